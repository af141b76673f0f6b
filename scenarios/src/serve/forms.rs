//! What real resolvers are told: where the world's root is, and what they may trust there.

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr};

use counterpoint_dns::{name::Name, rdata::Ds};
use counterpoint_simnet::{net::Net, topology::Stage};

/// The third octet of the addresses at which resolvers are told to listen.
const RESOLVERS: u8 = 255;

/// A file for a resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its name.
    pub file: &'static str,
    /// Who reads it.
    pub reader: &'static str,
    /// What stands in it.
    pub text: String,
}

/// Where the world's root is, and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Names and addresses of its servers.
    pub servers: Vec<(Name, IpAddr)>,
    /// Its keys.
    pub anchors: Vec<Ds>,
    /// The top-level domains of its zones: resolvers deny some by themselves.
    pub tops: BTreeSet<Name>,
    /// The network of it all.
    pub net: Net,
}

impl Root {
    /// That of a world in `net`.
    pub fn of(stage: &Stage, net: Net) -> Self {
        let instances = stage.world.operators.first().map(|root| &root.instances);
        let server = |server: &counterpoint_simnet::operator::Instance| {
            (server.host.clone(), server.address)
        };
        let topology = &stage.topology;
        let zones = topology.zones.iter().map(|zone| &zone.name);
        let zones = zones.chain([&topology.parent.zone]);
        Self {
            servers: instances.into_iter().flatten().map(server).collect(),
            anchors: stage.trust_anchor(),
            tops: zones.filter_map(top).collect(),
            net,
        }
    }

    /// Where Unbound, PowerDNS Recursor and Knot Resolver are told to listen, in this order.
    pub fn resolvers(&self) -> [IpAddr; 3] {
        [1, 2, 3].map(|last| self.net.host(RESOLVERS, last))
    }

    /// The files of resolvers that find each other in `folder`.
    pub fn forms(&self, folder: &str) -> Vec<Form> {
        let form = |file, reader, text| Form { file, reader, text };
        vec![
            form(
                "root.hints",
                "PowerDNS Recursor, and whoever reads hints",
                self.hints(),
            ),
            form("root.key", "anybody: DS records", self.key()),
            form("delv.anchors", "delv -a", self.delv()),
            form("unbound.conf", "unbound -d -p -c", self.unbound(folder)),
            form(
                "recursor.conf",
                "pdns_recursor --config-dir=",
                self.recursor(folder),
            ),
            form("recursor.lua", "recursor.conf", self.recursor_lua()),
            form(
                "recursor.yml",
                "PowerDNS Recursor 5.1 and newer",
                self.recursor_yaml(folder),
            ),
            form(
                "kresd.conf",
                "kresd -n -c (Knot Resolver 5)",
                self.kresd(folder),
            ),
        ]
    }

    fn ds(&self) -> impl Iterator<Item = String> {
        self.anchors.iter().map(|ds| {
            let (tag, algorithm, kind) = (ds.tag, ds.algorithm, ds.digest_type);
            format!("{tag} {algorithm} {kind} {}", hexadecimal(&ds.digest))
        })
    }

    /// One line for each anchor, or each server.
    fn each<T>(all: impl IntoIterator<Item = T>, line: impl Fn(T) -> String) -> String {
        all.into_iter().map(|one| line(one) + "\n").collect()
    }

    fn hints(&self) -> String {
        Self::each(&self.servers, |(host, address)| {
            format!(". 3600000 IN NS {host}\n{host} 3600000 IN A {address}")
        })
    }

    fn key(&self) -> String {
        Self::each(self.ds(), |ds| format!(". 3600 IN DS {ds}"))
    }

    fn delv(&self) -> String {
        let anchors = self.anchors.iter().map(|ds| {
            let (tag, algorithm, kind) = (ds.tag, ds.algorithm, ds.digest_type);
            let digest = hexadecimal(&ds.digest);
            format!("    . static-ds {tag} {algorithm} {kind} \"{digest}\";\n")
        });
        format!("trust-anchors {{\n{}}};\n", anchors.collect::<String>())
    }

    fn unbound(&self, folder: &str) -> String {
        let [address, ..] = self.resolvers();
        let mut text = format!(
            "server:
    interface: {address}
    access-control: {net} allow
    access-control: 127.0.0.0/8 allow
    directory: \"{folder}\"
    username: \"\"
    chroot: \"\"
    pidfile: \"\"
    use-syslog: no
    do-ip6: no
    do-not-query-localhost: no
    module-config: \"validator iterator\"
    val-log-level: 2
",
            net = self.net
        );
        // Writing to a string cannot fail.
        for ds in self.ds() {
            let _ = writeln!(text, "    trust-anchor: \". DS {ds}\"");
        }
        for top in &self.tops {
            // `test.` among them.
            let _ = writeln!(text, "    local-zone: \"{top}\" nodefault");
        }
        text.push_str("remote-control:\n    control-enable: no\nstub-zone:\n    name: \".\"\n");
        for (_, address) in &self.servers {
            let _ = writeln!(text, "    stub-addr: {address}");
        }
        text
    }

    fn recursor(&self, folder: &str) -> String {
        let [_, address, _] = self.resolvers();
        format!(
            "local-address={address}
allow-from=127.0.0.0/8, {net}
hint-file={folder}/root.hints
lua-config-file={folder}/recursor.lua
socket-dir={folder}
dnssec=validate
dont-query=
security-poll-suffix=
serve-rfc1918=no
setuid=
setgid=
daemon=no
disable-syslog=yes
write-pid=no
threads=1
",
            net = self.net
        )
    }

    fn recursor_lua(&self) -> String {
        let anchors = Self::each(self.ds(), |ds| format!("addTA('.', '{ds}')"));
        format!("clearTA()\n{anchors}")
    }

    fn recursor_yaml(&self, folder: &str) -> String {
        let [_, address, _] = self.resolvers();
        let anchors = self.ds().map(|ds| format!("'{ds}'")).collect::<Vec<_>>();
        format!(
            "incoming:
  listen: ['{address}']
  allow_from: ['127.0.0.0/8', '{net}']
outgoing:
  dont_query: []
recursor:
  hint_file: '{folder}/root.hints'
  socket_dir: '{folder}'
  security_poll_suffix: ''
dnssec:
  validation: validate
  trustanchors:
    - name: .
      dsrecords: [{anchors}]
",
            net = self.net,
            anchors = anchors.join(", ")
        )
    }

    fn kresd(&self, folder: &str) -> String {
        let [_, _, address] = self.resolvers();
        let server = |(host, address): &(Name, IpAddr)| format!("['{host}'] = '{address}'");
        let servers: Vec<String> = self.servers.iter().map(server).collect();
        let anchors = Self::each(self.ds(), |ds| format!("trust_anchors.add('. DS {ds}')"));
        let pass = Self::each(&self.tops, |top| {
            format!("policy.add(policy.suffix(policy.PASS, {{todname('{top}')}}))")
        });
        format!(
            "net.listen('{address}', 53, {{ kind = 'dns' }})
net.ipv6 = false
option('ALLOW_LOCAL', true)
modules = {{ 'hints > iterate' }}
modules.unload('priming')
modules.unload('ta_update')
modules.unload('ta_signal_query')
hints.root({{ {servers} }})
trust_anchors.remove('.')
{anchors}cache.open(20 * MB, 'lmdb://{folder}/kresd-cache')
modules.load('policy')
{pass}",
            servers = servers.join(", ")
        )
    }
}

/// The top-level domain of a name; the root is in none.
fn top(name: &Name) -> Option<Name> {
    let above = |name: &Name| Some(name.base_name()).filter(|above| !above.is_root());
    let first = Some(name.clone()).filter(|name| !name.is_root());
    std::iter::successors(first, above).last()
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
