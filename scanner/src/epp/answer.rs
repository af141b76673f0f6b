//! Answers of a registry, read with bounds on nodes and depth. What is not understood is an error, not
//! a guess; text for people is cut and cleaned before it is shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, parse_name},
    rdata::Ds,
};
use data_encoding::{BASE64, HEXUPPER_PERMISSIVE};
use roxmltree::{Document, Node, ParsingOptions};
use serde::Serialize;

use super::{
    code::{Meaning, meaning},
    command::{DOMAIN, EPP, HOST, SEC_DNS, Secured, TTL},
};

/// Documents with more nodes are refused.
const NODES_MAX: u32 = 20_000;
/// Documents with more elements within one another are refused before they are parsed.
const DEPTH_MAX: usize = 64;
/// Text for people is cut here, letters.
const TEXT_MAX: usize = 500;

/// Why a document is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAnswer(pub String);

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an answer of a registry: {}", self.0)
    }
}

impl std::error::Error for BadAnswer {}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Its name.
    pub server: String,
    /// URIs of its objects and extensions.
    pub services: BTreeSet<String>,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The result code.
    pub code: u16,
    /// What it says, and why.
    pub text: String,
    /// The identifier that the client gave.
    pub client_transaction: Option<String>,
    /// The identifier that the server gave.
    pub server_transaction: String,
    /// The message that waits first.
    pub message: Option<Waiting>,
    /// A domain, if one was asked for.
    pub domain: Option<Domain>,
    /// The addresses of a host, if one was asked for.
    pub host: Option<BTreeSet<IpAddr>>,
}

impl Answer {
    /// What follows from it.
    pub fn meaning(&self) -> Meaning {
        meaning(self.code)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            text,
            server_transaction,
            ..
        } = self;
        write!(f, "{code} {text} (server transaction {server_transaction})")
    }
}

/// A message of the registry's that waits to be taken (RFC 5730 §2.9.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Its identifier.
    pub id: String,
    /// How many wait, this one among them.
    pub count: u64,
    /// When it was put there, as the server says.
    pub queued: Option<String>,
    /// What it says.
    pub text: Option<String>,
    /// The object that it is about, and how that ended, if it is the end of something pending
    /// (RFC 5731 §3.3).
    pub ended: Option<(String, bool)>,
}

/// A domain as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: Name,
    /// Its states, as `pendingUpdate`.
    pub status: BTreeSet<String>,
    /// Its nameservers.
    pub ns: BTreeSet<Name>,
    /// What secures it.
    pub secured: Secured,
    /// Its TTLs, by type, seconds, if they were asked for.
    pub ttls: BTreeMap<String, u32>,
}

/// Reads a greeting.
pub fn greeting(text: &str) -> Result<Greeting, BadAnswer> {
    let document = parse(text)?;
    let root = root(&document)?;
    let greeting = child(root, EPP, "greeting").ok_or_else(|| bad("there is no greeting"))?;
    let menu = child(greeting, EPP, "svcMenu").ok_or_else(|| bad("it offers nothing"))?;
    let uris = menu
        .descendants()
        .filter(|node| node.has_tag_name((EPP, "objURI")) || node.has_tag_name((EPP, "extURI")));
    Ok(Greeting {
        server: child(greeting, EPP, "svID").map(shown).unwrap_or_default(),
        services: uris.map(inside).collect(),
    })
}

/// Reads the answer to a command.
pub fn answer(text: &str) -> Result<Answer, BadAnswer> {
    let document = parse(text)?;
    let response = child(root(&document)?, EPP, "response");
    let response = response.ok_or_else(|| bad("there is no response"))?;
    let result = child(response, EPP, "result").ok_or_else(|| bad("there is no result"))?;
    let code = result.attribute("code").and_then(|code| code.parse().ok());
    let reasons = result
        .descendants()
        .filter(|node| node.has_tag_name((EPP, "msg")) || node.has_tag_name((EPP, "reason")));
    let reasons: Vec<String> = reasons.map(shown).collect();
    let transaction = child(response, EPP, "trID");
    let of = |name| {
        transaction
            .and_then(|node| child(node, EPP, name))
            .map(shown)
    };
    let data = child(response, EPP, "resData");
    let domain = data.and_then(|data| child(data, DOMAIN, "infData"));
    let host = data.and_then(|data| child(data, HOST, "infData"));
    let extension = child(response, EPP, "extension");
    Ok(Answer {
        code: code.ok_or_else(|| bad("its result has no code"))?,
        text: reasons.join(": "),
        client_transaction: of("clTRID"),
        server_transaction: of("svTRID").unwrap_or_default(),
        message: child(response, EPP, "msgQ").map(|queue| waiting(queue, data)),
        domain: domain.map(|node| domain_of(node, extension)).transpose()?,
        host: host.map(addresses_of).transpose()?,
    })
}

fn bad(what: impl fmt::Display) -> BadAnswer {
    BadAnswer(what.to_string())
}

/// No DTD, so many nodes at most, and no depth that would cost the stack.
fn parse(text: &str) -> Result<Document<'_>, BadAnswer> {
    let (mut depth, mut deepest) = (0_usize, 0);
    for (at, _) in text.match_indices('<') {
        match text.as_bytes().get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'?' | b'!') => {}
            _ => {
                let end = text[at..].find('>').map_or(text.len(), |end| at + end);
                if !text[..end].ends_with('/') {
                    depth += 1;
                }
                deepest = deepest.max(depth);
            }
        }
        if deepest > DEPTH_MAX {
            return Err(bad(format!(
                "more than {DEPTH_MAX} elements in one another"
            )));
        }
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(bad)
}

fn root<'a>(document: &'a Document<'_>) -> Result<Node<'a, 'a>, BadAnswer> {
    let root = document.root_element();
    match root.has_tag_name((EPP, "epp")) {
        true => Ok(root),
        false => Err(bad("its root is not that of EPP 1.0")),
    }
}

fn child<'a>(node: Node<'a, 'a>, space: &str, name: &str) -> Option<Node<'a, 'a>> {
    children(node, space, name).next()
}

fn children<'a>(node: Node<'a, 'a>, space: &str, name: &str) -> impl Iterator<Item = Node<'a, 'a>> {
    let (space, name) = (space.to_string(), name.to_string());
    node.children()
        .filter(move |node| node.has_tag_name((&*space, &*name)))
}

fn inside(node: Node<'_, '_>) -> String {
    node.text().unwrap_or_default().trim().into()
}

/// Text for people: short, and nothing that moves a terminal.
fn shown(node: Node<'_, '_>) -> String {
    let text = inside(node);
    let letters = text.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    letters.take(TEXT_MAX).collect()
}

fn waiting(queue: Node<'_, '_>, data: Option<Node<'_, '_>>) -> Waiting {
    let ended = data.and_then(|data| {
        let pending = data
            .children()
            .find(|node| node.tag_name().name() == "panData")?;
        let mut parts = pending.children().filter(Node::is_element);
        let object = parts.next()?;
        let result = object.attribute("paResult").unwrap_or_default();
        Some((shown(object), matches!(result, "1" | "true")))
    });
    Waiting {
        id: queue.attribute("id").unwrap_or_default().into(),
        count: queue
            .attribute("count")
            .and_then(|count| count.parse().ok())
            .unwrap_or_default(),
        queued: child(queue, EPP, "qDate").map(shown),
        text: child(queue, EPP, "msg").map(shown),
        ended,
    }
}

fn name_in(node: Node<'_, '_>) -> Result<Name, BadAnswer> {
    let text = inside(node);
    parse_name(&text).map_err(|error| bad(format!("`{}`: {error}", shown(node))))
}

fn domain_of<'a>(node: Node<'a, 'a>, extension: Option<Node<'a, 'a>>) -> Result<Domain, BadAnswer> {
    let name = child(node, DOMAIN, "name").ok_or_else(|| bad("a domain without name"))?;
    let status = children(node, DOMAIN, "status");
    let status = status.filter_map(|status| status.attribute("s"));
    let hosts = child(node, DOMAIN, "ns").into_iter().flat_map(|ns| {
        // Host objects, or host attributes with a name in each.
        ns.descendants().filter(|node| {
            node.has_tag_name((DOMAIN, "hostObj")) || node.has_tag_name((DOMAIN, "hostName"))
        })
    });
    Ok(Domain {
        name: name_in(name)?,
        status: status.map(String::from).collect(),
        ns: hosts.map(name_in).collect::<Result<_, _>>()?,
        secured: secured_of(extension.and_then(|node| child(node, SEC_DNS, "infData")))?,
        ttls: extension
            .and_then(|node| child(node, TTL, "infData"))
            .map(ttls_of)
            .unwrap_or_default(),
    })
}

/// Those that are there; one without number is the registry's default.
fn ttls_of(node: Node<'_, '_>) -> BTreeMap<String, u32> {
    let ttls = node.children().filter_map(|node| {
        let rtype = node.attribute("for")?;
        Some((rtype.to_string(), inside(node).parse().ok()?))
    });
    ttls.collect()
}

fn secured_of(node: Option<Node<'_, '_>>) -> Result<Secured, BadAnswer> {
    let Some(node) = node else {
        return Ok(Secured::Ds(BTreeSet::new()));
    };
    let ds = children(node, SEC_DNS, "dsData").map(ds_of);
    let ds: BTreeSet<Ds> = ds.collect::<Result<_, _>>()?;
    let keys = children(node, SEC_DNS, "keyData").map(key_of);
    let keys: BTreeSet<Dnskey> = keys.collect::<Result<_, _>>()?;
    match (ds.is_empty(), keys.is_empty()) {
        (false, false) => Err(bad("DS records and keys beside one another")),
        (true, false) => Ok(Secured::Keys(keys)),
        (_, true) => Ok(Secured::Ds(ds)),
    }
}

/// A number in an element of secDNS.
fn number<T: std::str::FromStr>(node: Node<'_, '_>, name: &str) -> Result<T, BadAnswer> {
    let number = child(node, SEC_DNS, name).and_then(|node| inside(node).parse().ok());
    number.ok_or_else(|| bad(format!("no {name} that can be read")))
}

fn ds_of(node: Node<'_, '_>) -> Result<Ds, BadAnswer> {
    let digest = child(node, SEC_DNS, "digest")
        .map(inside)
        .unwrap_or_default();
    let digest = HEXUPPER_PERMISSIVE.decode(digest.as_bytes());
    Ok(Ds {
        tag: number(node, "keyTag")?,
        algorithm: number(node, "alg")?,
        digest_type: number(node, "digestType")?,
        digest: digest.map_err(|error| bad(format!("a digest: {error}")))?,
    })
}

fn key_of(node: Node<'_, '_>) -> Result<Dnskey, BadAnswer> {
    let public = child(node, SEC_DNS, "pubKey")
        .map(inside)
        .unwrap_or_default();
    let public: String = public.split_whitespace().collect();
    let public = BASE64.decode(public.as_bytes());
    let public = public.map_err(|error| bad(format!("a key: {error}")))?;
    Ok(Dnskey {
        flags: number(node, "flags")?,
        protocol: number(node, "protocol")?,
        algorithm: number(node, "alg")?,
        public: public.into(),
    })
}

fn addresses_of(node: Node<'_, '_>) -> Result<BTreeSet<IpAddr>, BadAnswer> {
    let addresses = children(node, HOST, "addr");
    addresses
        .map(|node| {
            let text = inside(node);
            text.parse()
                .map_err(|_| bad(format!("`{}` is no address", shown(node))))
        })
        .collect()
}
