//! From the tables of a file to what the controller is told: what must go together does.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use counterpoint_dns::{
    agent::Transport,
    key::{DIGEST_SHA256, DIGEST_SHA384},
    name::Name,
    resolver,
    web::Url,
};
use toml::Spanned;

use super::{
    BadDeclaration, Declarations, ksk, place, secret,
    tables::{
        File, GroupTable, InterfaceText, KeysText, ModeText, NameText, RateText, SignerTable,
        ViaText, ZoneTable,
    },
};
use crate::{
    common::{CommonKsk, OWNER},
    config::{Config, DdnsAccess, DesecAccess, Interface, Limits, Signer, SignerName, Zone},
};

/// Everybody is looked at once an hour.
const RENEW_BEFORE_LEAST: Duration = Duration::from_secs(7_200);
/// Longer names of signers and groups are nobody's.
const NAME_CHARS_MAX: usize = 63;

/// A path as the file at `file` means it.
pub(crate) fn beside(file: &Path, path: &Path) -> PathBuf {
    let directory = file.parent().unwrap_or(Path::new(""));
    directory.join(path)
}

/// The file that is checked.
pub(super) struct Check<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

impl Check<'_> {
    /// What the file declares.
    pub(super) fn declarations(&self, file: File) -> Result<Declarations, BadDeclaration> {
        let mut config = Config::new(file.parent.zone.0.clone());
        config.audit = true;
        config.parent.ns = names(&file.parent.ns);
        config.parent.max_ttl = file.parent.max_ttl;
        let table = &file.controller;
        config.poll = table.poll;
        config.safety = table.safety;
        config.questions_per_second = Some(table.questions_per_second);
        config.parent_settle = table.parent_settle;
        config.cds_after = table.cds_after.into();
        config.ksk_roll = table.ksk_roll.into();
        config.digests = self.digests(&table.digests)?;
        config.guard = table.guard;
        config.addresses = (file.addresses.into_iter())
            .map(|(name, addresses)| (name.0, addresses))
            .collect();
        let anchors = file.resolver.trust_anchor.into_iter().map(|ds| ds.0);
        let roots = file.resolver.roots;
        let mut resolver = resolver::Config::new(roots, anchors.collect());
        resolver.v6 = file.resolver.ipv6;
        config.resolver = Some(resolver).filter(|resolver| !resolver.roots.is_empty());
        for table in &file.signer {
            let signer = self.signer(table)?;
            let name = self.label(&table.name)?;
            if name == OWNER {
                let what = format!("`{OWNER}` is who owns the zones");
                return Err(self.bad(table.name.span(), what, "give the signer another name"));
            }
            if config
                .signers
                .insert(SignerName::from(name), signer)
                .is_some()
            {
                return Err(self.twice(table.name.span(), name));
            }
        }
        for table in &file.group {
            let name = self.label(&table.name)?;
            let signers = self.members(&config, &table.signers)?;
            if config.groups.insert(name.into(), signers).is_some() {
                return Err(self.twice(table.name.span(), name));
            }
        }
        for table in &file.zone {
            let name = table.name.get_ref().0.clone();
            let zone = self.zone(&config, table, &file.group)?;
            if table.mode == ModeText::Manual {
                config.manual.insert(name.clone());
            }
            if let Some(common) = self.common_ksk(&config, table, &zone)? {
                config.common_ksks.insert(name.clone(), common);
            }
            if config.zones.insert(name.clone(), zone).is_some() {
                return Err(self.twice(table.name.span(), &name.to_string()));
            }
        }
        let meta = file.zone.iter().filter(|table| !table.meta.is_empty());
        Ok(Declarations {
            meta: meta
                .map(|table| (table.name.get_ref().0.clone(), table.meta.clone()))
                .collect(),
            serving: file.serve.as_ref().map(|table| self.serving(table)),
            tokens: self.tokens(&file.token)?,
            path: self.path.into(),
            store: beside(self.path, &file.store),
            config,
        })
    }

    pub(super) fn bad(
        &self,
        at: Range<usize>,
        what: impl Into<String>,
        remedy: &str,
    ) -> BadDeclaration {
        let place = place(self.path, self.text, at.start);
        BadDeclaration::new(place, what.into(), remedy)
    }

    pub(super) fn twice(&self, at: Range<usize>, name: &str) -> BadDeclaration {
        let what = format!("`{name}` is declared twice");
        self.bad(at, what, "remove one of the two, or give it another name")
    }

    /// The name of a signer or a group.
    pub(super) fn label<'t>(&self, name: &'t Spanned<String>) -> Result<&'t str, BadDeclaration> {
        let text = name.get_ref().as_str();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if text.is_empty() || text.len() > NAME_CHARS_MAX || !text.chars().all(is_plain) {
            let what = format!("`{text}` cannot be a name");
            let remedy = "use letters, digits, `-`, `_` and `.`, at most 63 of them";
            return Err(self.bad(name.span(), what, remedy));
        }
        Ok(text)
    }

    fn digests(&self, digests: &Spanned<Vec<u8>>) -> Result<BTreeSet<u8>, BadDeclaration> {
        let all: BTreeSet<u8> = digests.get_ref().iter().copied().collect();
        let known = [DIGEST_SHA256, DIGEST_SHA384];
        match !all.is_empty() && all.iter().all(|digest| known.contains(digest)) {
            true => Ok(all),
            false => Err(self.bad(
                digests.span(),
                "expected digest types 2 (SHA-256), 4 (SHA-384), or both",
                "write `digests = [2]`",
            )),
        }
    }

    fn signer(&self, table: &SignerTable) -> Result<Signer, BadDeclaration> {
        if table.ns.get_ref().is_empty() {
            let what = "a signer without nameservers serves nobody";
            return Err(self.bad(table.ns.span(), what, "name its nameservers in `ns`"));
        }
        let ns = names(table.ns.get_ref());
        let in_zone: BTreeMap<_, _> = (table.in_zone_addresses.iter())
            .map(|(name, addresses)| (name.0.clone(), addresses.clone()))
            .collect();
        if let Some(stranger) = in_zone.keys().find(|name| !ns.contains(name)) {
            let what = format!("`in-zone-addresses` has {stranger}, which `ns` has not");
            return Err(self.bad(table.ns.span(), what, "name it in `ns` too, or take it out"));
        }
        Ok(Signer {
            ns,
            in_zone_addresses: in_zone,
            interface: self.interface(table)?,
            limits: limits(table),
            signal_zones: self.signal_zones(table)?,
            own_keys: table.own_keys.iter().map(|key| key.0.clone()).collect(),
            csk: table.keys.map(|keys| matches!(keys, KeysText::Csk)),
            max_ttl: table.max_ttl,
        })
    }

    /// Each holds the signalling names of one of the signer's nameserver names (RFC 9615 §3.1).
    fn signal_zones(&self, table: &SignerTable) -> Result<BTreeSet<Name>, BadDeclaration> {
        let Some(zones) = &table.signal_zones else {
            return Ok(BTreeSet::new());
        };
        if table.desec.is_some() {
            let what = "deSEC's web interface writes no signalling names";
            return Err(self.bad(zones.span(), what, "leave out `signal-zones`"));
        }
        let all: BTreeSet<Name> = names(zones.get_ref()).into_iter().collect();
        let hosts = names(table.ns.get_ref());
        let signals = hosts
            .iter()
            .filter_map(|host| host.prepend_label("_signal").ok());
        let signals: Vec<Name> = signals.collect();
        let holds_none = |zone: &&Name| !signals.iter().any(|name| zone.zone_of(name));
        match all.iter().find(holds_none) {
            None => Ok(all),
            Some(stranger) => {
                let what = format!("{stranger} holds no signalling name of this signer");
                let remedy = "name zones at or above `_signal.NAME`, for names in `ns`";
                Err(self.bad(zones.span(), what, remedy))
            }
        }
    }

    fn interface(&self, table: &SignerTable) -> Result<Interface, BadDeclaration> {
        match (table.primary, &table.tsig, &table.desec) {
            (Some(primary), Some(tsig), None) => {
                let at = place(self.path, self.text, tsig.span().start);
                let access = DdnsAccess {
                    primary,
                    via: match table.via {
                        ViaText::Tcp => Transport::Tcp,
                        ViaText::Udp => Transport::Udp,
                    },
                    tsig: secret::key(tsig.get_ref(), self.path, &at)?,
                };
                Ok(match table.interface {
                    InterfaceText::Ddns => Interface::Ddns(access),
                    InterfaceText::SignedRrset => Interface::SignedRrset(access),
                })
            }
            (None, None, Some(desec)) if table.interface == InterfaceText::SignedRrset => Err(self
                .bad(
                    desec.span(),
                    "deSEC takes nothing that somebody else signed",
                    "leave out `interface`, or `desec`",
                )),
            (None, None, Some(desec)) => {
                let table = desec.get_ref();
                let bad_url = |why| {
                    let what = format!("`url` cannot be used: {why}");
                    let remedy = "write it as \"https://desec.io/api/v1\"";
                    self.bad(desec.span(), what, remedy)
                };
                Url::parse(&table.url).map_err(bad_url)?;
                let ttl = u32::try_from(table.minimum_ttl.as_secs());
                Ok(Interface::Desec(DesecAccess {
                    url: table.url.clone(),
                    token: secret::token(&beside(self.path, &table.token_file))?,
                    ca: match &table.ca_file {
                        Some(file) => Some(secret::certificates(&beside(self.path, file))?),
                        None => None,
                    },
                    minimum_ttl: ttl.unwrap_or(u32::MAX),
                }))
            }
            _ => Err(self.bad(
                table.name.span(),
                "expected `primary` and `tsig`, or `desec`",
                "say how it is written to: by dynamic update, or by deSEC's web interface",
            )),
        }
    }

    fn members(
        &self,
        config: &Config,
        names: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<BTreeSet<SignerName>, BadDeclaration> {
        let mut members = BTreeSet::new();
        for name in names.get_ref() {
            let signer = SignerName::from(name.get_ref().as_str());
            if !config.signers.contains_key(&signer) {
                let what = format!("no signer `{signer}` is declared");
                let remedy = "declare it (`signer add`), or correct the spelling";
                return Err(self.bad(name.span(), what, remedy));
            }
            members.insert(signer);
        }
        match members.is_empty() {
            false => Ok(members),
            true => Err(self.bad(
                names.span(),
                "nobody serves it",
                "name those who serve it now",
            )),
        }
    }

    /// The KSKs that the owner of a zone holds, if it does.
    fn common_ksk(
        &self,
        config: &Config,
        table: &ZoneTable,
        zone: &Zone,
    ) -> Result<Option<CommonKsk>, BadDeclaration> {
        let Some(files) = &table.ksks else {
            return Ok(None);
        };
        let members = match zone {
            Zone::Signers(signers) => signers,
            Zone::Group(group) => &config.groups[group],
        };
        let takes_signed = |name: &&SignerName| {
            let signer = config.signers.get(*name);
            signer.is_some_and(|signer| matches!(signer.interface, Interface::SignedRrset(_)))
        };
        if let Some(signer) = members.iter().find(|name| !takes_signed(name)) {
            let what = format!("{signer} does not take what the owner of a zone signed");
            let remedy = "write `interface = \"signed-rrset\"` for that signer";
            return Err(self.bad(files.span(), what, remedy));
        }
        if files.get_ref().is_empty() {
            let what = "expected at least one file with a KSK";
            return Err(self.bad(files.span(), what, "make one with `zone new-ksk`"));
        }
        let (validity, renew_before) = (table.signature_validity, table.resign_before);
        if renew_before < RENEW_BEFORE_LEAST || validity <= renew_before {
            let what = "signatures are to be renewed at least 2h before their end, and not at once";
            let remedy = "let `resign-before` be 2h or more, and `signature-validity` longer";
            return Err(self.bad(table.name.span(), what, remedy));
        }
        let keys = files.get_ref().iter();
        let keys = keys.map(|file| ksk::read(&beside(self.path, file)));
        Ok(Some(CommonKsk {
            validity,
            renew_before,
            ..CommonKsk::new(keys.collect::<Result<_, _>>()?)
        }))
    }

    fn zone(
        &self,
        config: &Config,
        table: &ZoneTable,
        groups: &[GroupTable],
    ) -> Result<Zone, BadDeclaration> {
        let name = &table.name;
        let zone = &name.get_ref().0;
        let parent = &config.parent.zone;
        if zone == parent || !parent.zone_of(zone) {
            let what = format!("{zone} is not below the parent, {parent}");
            return Err(self.bad(name.span(), what, "name a zone that the parent delegates"));
        }
        match (&table.signers, &table.group) {
            (Some(signers), None) => self.members(config, signers).map(Zone::Signers),
            (None, Some(group)) => {
                let mut known = groups.iter().map(|group| group.name.get_ref());
                match known.any(|name| name == group.get_ref()) {
                    true => Ok(Zone::Group(group.get_ref().clone())),
                    false => Err(self.bad(
                        group.span(),
                        format!("no group `{}` is declared", group.get_ref()),
                        "declare it (`group add`), or correct the spelling",
                    )),
                }
            }
            _ => Err(self.bad(
                name.span(),
                "expected one of `signers` and `group`",
                "name those who serve it now, or the group that does",
            )),
        }
    }
}

/// As declared, else as the interface has them.
fn limits(table: &SignerTable) -> Limits {
    let rates = |texts: &[RateText]| texts.iter().map(|text| text.0).collect();
    match (&table.limits, &table.desec) {
        (Some(limits), _) => Limits {
            requests: rates(&limits.requests),
            changes: rates(&limits.changes),
        },
        (None, Some(_)) => Limits::desec(),
        (None, None) => Limits::default(),
    }
}

fn names(texts: &[NameText]) -> Vec<Name> {
    texts.iter().map(|text| text.0.clone()).collect()
}
