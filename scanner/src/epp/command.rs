//! Commands as documents: session (RFC 5730), domain (RFC 5731, RFC 5910, RFC 9803) and host (RFC 5732).
//!
//! Each is what its schema has, elements in its order. What to say is decided elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use counterpoint_dns::{key::Dnskey, name::Name, rdata::Ds};
use data_encoding::{BASE64, HEXUPPER};

use super::xml::{Element, element, text};

/// RFC 5730.
pub const EPP: &str = "urn:ietf:params:xml:ns:epp-1.0";
/// RFC 5731.
pub const DOMAIN: &str = "urn:ietf:params:xml:ns:domain-1.0";
/// RFC 5732.
pub const HOST: &str = "urn:ietf:params:xml:ns:host-1.0";
/// RFC 5910.
pub const SEC_DNS: &str = "urn:ietf:params:xml:ns:secDNS-1.1";
/// RFC 9803.
pub const TTL: &str = "urn:ietf:params:xml:ns:epp:ttl-1.0";

/// What secures a delegation. Never both kinds (RFC 5910 §4): one variant a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secured {
    /// DS records, as they are published.
    Ds(BTreeSet<Ds>),
    /// Keys, of which the registry makes DS records.
    Keys(BTreeSet<Dnskey>),
}

impl Secured {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Ds(ds) => ds.is_empty(),
            Self::Keys(keys) => keys.is_empty(),
        }
    }

    fn elements(&self) -> Vec<Element> {
        match self {
            Self::Ds(ds) => ds.iter().map(ds_data).collect(),
            Self::Keys(keys) => keys.iter().map(key_data).collect(),
        }
    }
}

/// What goes from what secures a delegation (RFC 5910 §5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// All of it, whatever it is.
    All,
    /// Just this: refused, if it is not there.
    These(Secured),
}

/// A change of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainUpdate {
    /// The domain.
    pub name: Name,
    /// Nameservers that come.
    pub add_ns: BTreeSet<Name>,
    /// Nameservers that go.
    pub remove_ns: BTreeSet<Name>,
    /// What goes from what secures it. It goes first (RFC 5910 §5.2.5).
    pub remove: Option<Removed>,
    /// What comes.
    pub add: Option<Secured>,
    /// TTLs, by type, seconds.
    pub ttls: BTreeMap<String, u32>,
}

/// A change of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostUpdate {
    /// The host.
    pub name: Name,
    /// Addresses that come.
    pub add: BTreeSet<IpAddr>,
    /// Addresses that go.
    pub remove: BTreeSet<IpAddr>,
}

/// Something that a registry is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A session, with these extensions.
    Login {
        /// Who.
        user: String,
        /// With what; shown nowhere.
        password: String,
        /// URIs of extensions, as the greeting has them.
        extensions: Vec<&'static str>,
    },
    /// Its end.
    Logout,
    /// The next message that waits.
    Poll,
    /// A message was taken.
    Acknowledge(String),
    /// What a domain is, with its TTLs or without.
    DomainInfo(Name, bool),
    /// Changes one.
    DomainUpdate(DomainUpdate),
    /// What a host is.
    HostInfo(Name),
    /// A host that was not there, with its addresses.
    HostCreate(Name, BTreeSet<IpAddr>),
    /// Changes one.
    HostUpdate(HostUpdate),
    /// Takes one away.
    HostDelete(Name),
}

/// The document that asks for a greeting.
pub fn hello() -> String {
    root([element("hello", [])]).document()
}

impl Command {
    /// What it is, and of what: never what is secret in it.
    pub fn title(&self) -> String {
        match self {
            Self::Login { user, .. } => format!("login of {user}"),
            Self::Logout => "logout".into(),
            Self::Poll => "poll".into(),
            Self::Acknowledge(id) => format!("acknowledgement of message {id}"),
            Self::DomainInfo(name, _) => format!("domain:info {}", plain(name)),
            Self::DomainUpdate(update) => format!("domain:update {}", plain(&update.name)),
            Self::HostInfo(name) => format!("host:info {}", plain(name)),
            Self::HostCreate(name, _) => format!("host:create {}", plain(name)),
            Self::HostUpdate(host) => format!("host:update {}", plain(&host.name)),
            Self::HostDelete(name) => format!("host:delete {}", plain(name)),
        }
    }

    /// The document, under this transaction identifier of the client's.
    pub fn document(&self, transaction: &str) -> String {
        let (what, extension) = self.elements();
        let extension = (!extension.is_empty()).then(|| element("extension", extension));
        let inside = [Some(what), extension, Some(text("clTRID", transaction))];
        root([element("command", inside.into_iter().flatten())]).document()
    }

    fn elements(&self) -> (Element, Vec<Element>) {
        let just = |what| (what, Vec::new());
        match self {
            Self::Login {
                user,
                password,
                extensions,
            } => just(login(user, password, extensions)),
            Self::Logout => just(element("logout", [])),
            Self::Poll => just(element("poll", []).with("op", "req")),
            Self::Acknowledge(id) => {
                let poll = element("poll", []).with("op", "ack");
                just(poll.with("msgID", id))
            }
            Self::DomainInfo(name, with_ttls) => {
                let name = text("domain:name", plain(name)).with("hosts", "all");
                let what = element("info", [domain("domain:info", [name])]);
                let ttls = element("ttl:info", []).with("xmlns:ttl", TTL);
                let ttls = with_ttls.then(|| ttls.with("policy", "false"));
                (what, ttls.into_iter().collect())
            }
            Self::DomainUpdate(update) => domain_update(update),
            Self::HostInfo(name) => {
                let name = text("host:name", plain(name));
                just(element("info", [host("host:info", [name])]))
            }
            Self::HostCreate(name, addresses) => {
                let name = [text("host:name", plain(name))];
                let inside = name.into_iter().chain(addresses.iter().map(address));
                just(element("create", [host("host:create", inside)]))
            }
            Self::HostUpdate(update) => {
                let part = |name, addresses: &BTreeSet<IpAddr>| {
                    let part = element(name, addresses.iter().map(address));
                    (!part.is_empty()).then_some(part)
                };
                let inside = [
                    Some(text("host:name", plain(&update.name))),
                    part("host:add", &update.add),
                    part("host:rem", &update.remove),
                ];
                let inside = inside.into_iter().flatten();
                just(element("update", [host("host:update", inside)]))
            }
            Self::HostDelete(name) => {
                let name = text("host:name", plain(name));
                just(element("delete", [host("host:delete", [name])]))
            }
        }
    }
}

fn root(inside: impl IntoIterator<Item = Element>) -> Element {
    element("epp", inside).with("xmlns", EPP)
}

fn domain(name: &'static str, inside: impl IntoIterator<Item = Element>) -> Element {
    element(name, inside).with("xmlns:domain", DOMAIN)
}

fn host(name: &'static str, inside: impl IntoIterator<Item = Element>) -> Element {
    element(name, inside).with("xmlns:host", HOST)
}

fn login(user: &str, password: &str, extensions: &[&'static str]) -> Element {
    let options = [text("version", "1.0"), text("lang", "en")];
    let objects = [DOMAIN, HOST].map(|uri| text("objURI", uri));
    let uris = extensions.iter().map(|uri| text("extURI", uri));
    let extension = (!extensions.is_empty()).then(|| element("svcExtension", uris));
    let inside = [
        text("clID", user),
        text("pw", password),
        element("options", options),
        element("svcs", objects.into_iter().chain(extension)),
    ];
    element("login", inside)
}

fn domain_update(update: &DomainUpdate) -> (Element, Vec<Element>) {
    let part = |name, hosts: &BTreeSet<Name>| {
        let hosts = hosts.iter().map(|host| text("domain:hostObj", plain(host)));
        let ns = element("domain:ns", hosts);
        (!ns.is_empty()).then(|| element(name, [ns]))
    };
    let inside = [
        Some(text("domain:name", plain(&update.name))),
        part("domain:add", &update.add_ns),
        part("domain:rem", &update.remove_ns),
    ];
    let inside = inside.into_iter().flatten();
    let what = element("update", [domain("domain:update", inside)]);
    let remove = update.remove.as_ref().map(|removed| {
        let inside = match removed {
            Removed::All => vec![text("secDNS:all", "true")],
            Removed::These(these) => these.elements(),
        };
        element("secDNS:rem", inside)
    });
    let add = update.add.as_ref();
    let add = add.map(|secured| element("secDNS:add", secured.elements()));
    let parts = Vec::from_iter(remove.into_iter().chain(add));
    let secured =
        (!parts.is_empty()).then(|| element("secDNS:update", parts).with("xmlns:secDNS", SEC_DNS));
    // RFC 9803: a type, and its TTL.
    let ttls = update.ttls.iter();
    let ttls = ttls.map(|(rtype, ttl)| text("ttl:ttl", ttl).with("for", rtype));
    let ttls = element("ttl:update", ttls);
    let ttls = (!ttls.is_empty()).then(|| ttls.with("xmlns:ttl", TTL));
    (what, secured.into_iter().chain(ttls).collect())
}

fn ds_data(ds: &Ds) -> Element {
    let inside = [
        text("secDNS:keyTag", ds.tag),
        text("secDNS:alg", ds.algorithm),
        text("secDNS:digestType", ds.digest_type),
        text("secDNS:digest", HEXUPPER.encode(&ds.digest)),
    ];
    element("secDNS:dsData", inside)
}

fn key_data(key: &Dnskey) -> Element {
    let inside = [
        text("secDNS:flags", key.flags),
        text("secDNS:protocol", key.protocol),
        text("secDNS:alg", key.algorithm),
        text("secDNS:pubKey", BASE64.encode(&key.public)),
    ];
    element("secDNS:keyData", inside)
}

fn address(address: &IpAddr) -> Element {
    let version = if address.is_ipv4() { "v4" } else { "v6" };
    text("host:addr", address).with("ip", version)
}

/// A name as registries write it: lower case, and no dot at its end.
pub fn plain(name: &Name) -> String {
    let text = name.to_lowercase().to_string();
    text.trim_end_matches('.').into()
}
