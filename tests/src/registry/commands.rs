//! Commands, read and carried out: RFC 5730 to 5732, RFC 5910 and the part of RFC 9803 that is used.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

use super::{
    PASSWORD, USER,
    store::{Domain, Instead, Store},
};

/// What is sent back.
pub struct Answered {
    /// The document; without one the connection ends at once.
    pub document: Option<String>,
    /// Whether the connection ends after it.
    pub ends: bool,
}

/// A result code, or what is to be shown with 1000.
type Outcome = Result<String, u16>;

/// What the server says of itself.
pub fn greeting() -> String {
    let uris = |tag: &str, uris: &[&str]| -> String {
        uris.iter()
            .map(|uri| format!("<{tag}>{uri}</{tag}>"))
            .collect()
    };
    let space = "urn:ietf:params:xml:ns:";
    let objects = ["domain-1.0", "host-1.0", "contact-1.0"].map(|name| format!("{space}{name}"));
    let extensions = ["secDNS-1.1", "epp:ttl-1.0"].map(|name| format!("{space}{name}"));
    let objects = uris("objURI", &objects.each_ref().map(String::as_str));
    let extensions = uris("extURI", &extensions.each_ref().map(String::as_str));
    epp(&format!(
        "<greeting><svID>Test registry</svID><svDate>2026-01-01T00:00:00Z</svDate><svcMenu>\
         <version>1.0</version><lang>en</lang>{objects}<svcExtension>{extensions}</svcExtension>\
         </svcMenu><dcp><access><all/></access><statement><purpose><admin/></purpose>\
         <recipient><ours/></recipient><retention><stated/></retention></statement></dcp></greeting>"
    ))
}

fn epp(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\">{inside}</epp>"
    )
}

/// The answer to a command.
pub fn answer(text: &str, store: &mut Store, admitted: &mut bool) -> Answered {
    store.commands.push(text.into());
    let Ok(document) = Document::parse(text) else {
        return with_code(2001, "", "");
    };
    let command = find(document.root_element(), "command");
    let Some(command) = command else {
        let document = find(document.root_element(), "hello").map(|_| greeting());
        return Answered {
            document,
            ends: false,
        };
    };
    let transaction = find(command, "clTRID").map(inside).unwrap_or_default();
    let Some(what) = command.children().find(Node::is_element) else {
        return with_code(2003, &transaction, "");
    };
    let verb = what.tag_name().name();
    let object = what.children().find(Node::is_element);
    if verb != "login" && !*admitted {
        return with_code(2002, &transaction, "");
    }
    let is_update = verb == "update" && object.is_some_and(|object| is_domain(object));
    if let Some(instead) = store.next_update.filter(|_| is_update) {
        store.next_update = None;
        return match instead {
            Instead::Code(code) => with_code(code, &transaction, ""),
            Instead::Nonsense => Answered {
                document: Some("neither <XML nor EPP".into()),
                ends: false,
            },
            Instead::OtherTransaction => with_code(1000, "somebody-else-1", ""),
            Instead::DoAndHangUp => {
                // The answer is lost, what was done is not.
                let _ = carry_out(verb, what, command, store, admitted);
                Answered {
                    document: None,
                    ends: true,
                }
            }
        };
    }
    match carry_out(verb, what, command, store, admitted) {
        Ok(_) if verb == "poll" => poll(what, store, &transaction),
        Ok(shown) => {
            let code = if verb == "logout" { 1500 } else { 1000 };
            with_code(code, &transaction, &shown)
        }
        Err(code) => with_code(code, &transaction, ""),
    }
}

fn with_code(code: u16, transaction: &str, shown: &str) -> Answered {
    let transaction = match transaction {
        "" => String::new(),
        text => format!("<clTRID>{text}</clTRID>"),
    };
    let reason = match code {
        2000.. => {
            "<extValue><value xmlns:d=\"urn:ietf:params:xml:ns:domain-1.0\"><d:name/></value>\
                   <reason>the test says so</reason></extValue>"
        }
        _ => "",
    };
    Answered {
        document: Some(epp(&format!(
            "<response><result code=\"{code}\"><msg>Result {code}</msg>{reason}</result>{shown}\
             <trID>{transaction}<svTRID>S-1</svTRID></trID></response>"
        ))),
        ends: code == 1500 || code >= 2500,
    }
}

fn poll(what: Node<'_, '_>, store: &Store, transaction: &str) -> Answered {
    let Some(message) = store.messages.front() else {
        return with_code(1300, transaction, "");
    };
    let (id, text, count) = (&message.id, &message.text, store.messages.len());
    let queue = |inside: &str| format!("<msgQ count=\"{count}\" id=\"{id}\">{inside}</msgQ>");
    if what.attribute("op") == Some("ack") {
        return with_code(1000, transaction, &queue(""));
    }
    let ended = message.ended.as_ref().map(|(name, done)| {
        format!(
            "<resData><domain:panData xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\">\
             <domain:name paResult=\"{done}\">{name}</domain:name><domain:paTRID>\
             <clTRID>A</clTRID><svTRID>B</svTRID></domain:paTRID>\
             <domain:paDate>2026-01-01T00:00:00Z</domain:paDate></domain:panData></resData>"
        )
    });
    let shown = queue(&format!(
        "<qDate>2026-01-01T00:00:00Z</qDate><msg>{text}</msg>"
    ));
    with_code(1301, transaction, &(shown + &ended.unwrap_or_default()))
}

fn carry_out(
    verb: &str,
    what: Node<'_, '_>,
    command: Node<'_, '_>,
    store: &mut Store,
    admitted: &mut bool,
) -> Outcome {
    let object = what.children().find(Node::is_element);
    let name = object.and_then(|object| find(object, "name")).map(inside);
    let extension = find(command, "extension");
    match (verb, object) {
        ("login", _) => {
            let of = |tag| find(what, tag).map(inside).unwrap_or_default();
            if of("clID") != USER || of("pw") != PASSWORD {
                return Err(2200);
            }
            *admitted = true;
            Ok(String::new())
        }
        ("logout", _) => Ok(String::new()),
        ("poll", _) => {
            if what.attribute("op") == Some("ack") {
                let id = what.attribute("msgID").unwrap_or_default();
                if store.messages.front().is_none_or(|first| first.id != id) {
                    return Err(2303);
                }
                store.messages.pop_front();
                store.acknowledged.push(id.into());
            }
            Ok(String::new())
        }
        ("info", Some(object)) if is_domain(object) => show_domain(&name.ok_or(2003_u16)?, store),
        ("info", Some(_)) => show_host(&name.ok_or(2003_u16)?, store),
        ("update", Some(object)) if is_domain(object) => {
            update_domain(&name.ok_or(2003_u16)?, object, extension, store)
        }
        ("update", Some(object)) => update_host(&name.ok_or(2003_u16)?, object, store),
        ("create", Some(object)) => {
            let name = name.ok_or(2003_u16)?;
            if store.hosts.contains_key(&name) {
                return Err(2302);
            }
            store.hosts.insert(name, all(object, "addr").collect());
            Ok(String::new())
        }
        ("delete", Some(_)) => {
            let name = name.ok_or(2003_u16)?;
            let mut domains = store.domains.values();
            if domains.any(|domain| domain.ns.contains(&name)) {
                return Err(2305);
            }
            store.hosts.remove(&name).map(|_| String::new()).ok_or(2303)
        }
        _ => Err(2000),
    }
}

fn show_domain(name: &str, store: &Store) -> Outcome {
    let domain = store.domains.get(name).ok_or(2303_u16)?;
    let ns: String = domain
        .ns
        .iter()
        .map(|host| format!("<domain:hostObj>{host}</domain:hostObj>"))
        .collect();
    let status: String = domain
        .status
        .iter()
        .map(|status| format!("<domain:status s=\"{status}\"/>"))
        .collect();
    let shown = |tag: &str, fields: [&str; 4], all: &BTreeSet<String>| -> String {
        let one = |text: &String| {
            let words = text.split_whitespace().zip(fields);
            let words =
                words.map(|(word, field)| format!("<secDNS:{field}>{word}</secDNS:{field}>"));
            format!("<secDNS:{tag}>{}</secDNS:{tag}>", words.collect::<String>())
        };
        all.iter().map(one).collect()
    };
    let secured =
        shown("dsData", DS_FIELDS, &domain.ds) + &shown("keyData", KEY_FIELDS, &domain.keys);
    let secured = match secured.as_str() {
        "" => String::new(),
        inside => format!(
            "<secDNS:infData xmlns:secDNS=\"urn:ietf:params:xml:ns:secDNS-1.1\">{inside}</secDNS:infData>"
        ),
    };
    let ttls: String = domain
        .ttls
        .iter()
        .map(|(rtype, ttl)| format!("<ttl:ttl for=\"{rtype}\">{ttl}</ttl:ttl>"))
        .collect();
    Ok(format!(
        "<resData><domain:infData xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\">\
         <domain:name>{name}</domain:name><domain:roid>D-1</domain:roid>{status}\
         <domain:ns>{ns}</domain:ns><domain:clID>R</domain:clID></domain:infData></resData>\
         <extension>{secured}<ttl:infData xmlns:ttl=\"urn:ietf:params:xml:ns:epp:ttl-1.0\">{ttls}\
         </ttl:infData></extension>"
    ))
}

fn show_host(name: &str, store: &Store) -> Outcome {
    let addresses = store.hosts.get(name).ok_or(2303_u16)?;
    let shown: String = addresses
        .iter()
        .map(|at| {
            let version = if at.contains(':') { "v6" } else { "v4" };
            format!("<host:addr ip=\"{version}\">{at}</host:addr>")
        })
        .collect();
    Ok(format!(
        "<resData><host:infData xmlns:host=\"urn:ietf:params:xml:ns:host-1.0\">\
         <host:name>{name}</host:name>{shown}</host:infData></resData>"
    ))
}

/// A part of an update: what goes from a set, or comes to it. What goes must be there, what comes not.
fn edit(
    set: &mut BTreeSet<String>,
    go: impl Iterator<Item = String>,
    come: impl Iterator<Item = String>,
) -> Result<(), u16> {
    for one in go {
        if !set.remove(&one) {
            return Err(2303);
        }
    }
    for one in come {
        if !set.insert(one) {
            return Err(2302);
        }
    }
    Ok(())
}

fn update_domain(
    name: &str,
    object: Node<'_, '_>,
    extension: Option<Node<'_, '_>>,
    store: &mut Store,
) -> Outcome {
    let there = store.domains.get(name).ok_or(2303_u16)?;
    if there.status.contains("pendingUpdate") {
        return Err(2304);
    }
    let mut domain: Domain = there.clone();
    let (add, remove) = (find(object, "add"), find(object, "rem"));
    let hosts = |part: Option<Node<'_, '_>>| -> Vec<String> {
        part.into_iter()
            .flat_map(|part| all(part, "hostObj").collect::<Vec<_>>())
            .collect()
    };
    let come = hosts(add);
    if come.iter().any(|host| !store.hosts.contains_key(host)) {
        return Err(2303);
    }
    edit(&mut domain.ns, hosts(remove).into_iter(), come.into_iter())?;
    for update in extension.into_iter().flat_map(|node| node.children()) {
        match update.tag_name().namespace() {
            Some(uri) if uri.ends_with(":secDNS-1.1") => secure(&mut domain, update)?,
            Some(uri) if uri.ends_with(":ttl-1.0") => {
                for ttl in update.children().filter(Node::is_element) {
                    let rtype = ttl.attribute("for").unwrap_or_default();
                    domain.ttls.insert(rtype.into(), inside(ttl));
                }
            }
            _ => {}
        }
    }
    store.domains.insert(name.into(), domain);
    Ok(String::new())
}

const DS_FIELDS: [&str; 4] = ["keyTag", "alg", "digestType", "digest"];
const KEY_FIELDS: [&str; 4] = ["flags", "protocol", "alg", "pubKey"];

/// RFC 5910 §5.2.5: what goes first goes; the two kinds never meet (§4).
fn secure(domain: &mut Domain, update: Node<'_, '_>) -> Result<(), u16> {
    let listed = |part: &str, tag: &str, fields: [&str; 4]| -> Vec<String> {
        let part = find(update, part).into_iter();
        let found = part.flat_map(|part| part.children().collect::<Vec<_>>());
        found
            .filter(|node| node.tag_name().name() == tag)
            .map(|node| {
                fields
                    .map(|field| find(node, field).map(inside).unwrap_or_default())
                    .join(" ")
            })
            .collect()
    };
    let is_all = find(update, "rem").and_then(|part| find(part, "all"));
    if is_all.is_some_and(|all| inside(all) == "true") {
        domain.ds.clear();
        domain.keys.clear();
    }
    let of = |tag, fields| (listed("rem", tag, fields), listed("add", tag, fields));
    let (go, come) = of("dsData", DS_FIELDS);
    edit(&mut domain.ds, go.into_iter(), come.into_iter())?;
    let (go, come) = of("keyData", KEY_FIELDS);
    edit(&mut domain.keys, go.into_iter(), come.into_iter())?;
    match domain.ds.is_empty() || domain.keys.is_empty() {
        true => Ok(()),
        false => Err(2306),
    }
}

fn update_host(name: &str, object: Node<'_, '_>, store: &mut Store) -> Outcome {
    let addresses = store.hosts.get_mut(name).ok_or(2303_u16)?;
    let listed = |part: &str| -> Vec<String> {
        let part = find(object, part).into_iter();
        part.flat_map(|part| all(part, "addr").collect::<Vec<_>>())
            .collect()
    };
    let mut changed = addresses.clone();
    edit(
        &mut changed,
        listed("rem").into_iter(),
        listed("add").into_iter(),
    )?;
    *addresses = changed;
    Ok(String::new())
}

fn is_domain(node: Node<'_, '_>) -> bool {
    node.tag_name().namespace() == Some("urn:ietf:params:xml:ns:domain-1.0")
}

fn find<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|node| node.tag_name().name() == name)
}

fn all<'a>(node: Node<'a, 'a>, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let nodes = node.descendants();
    nodes
        .filter(move |node| node.tag_name().name() == name)
        .map(inside)
}

fn inside(node: Node<'_, '_>) -> String {
    node.text().unwrap_or_default().trim().into()
}
