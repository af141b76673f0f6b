//! A plain list of delegations: `child ns…` a line, for a parent without a zone file at hand.
//!
//! A nameserver may have addresses behind slashes (`ns1.a.test./192.0.2.1`), a child DS records at the
//! end of its line (`DS 12345 13 2 ABCD…`). `#` begins a comment. TTLs are those of [`TTL`].

use std::{io::BufRead, net::IpAddr};

use counterpoint_dns::name::{Name, parse_name};

use super::{BadInput, Parent, key::key_of};

/// The TTL of everything in a list, seconds: a list has none.
pub const TTL: u32 = 3_600;
/// Longer lines are no delegation.
const LINE_OCTETS_MAX: u64 = 64 << 10;
const FORM: &str = "write `child ns1 ns2 …`, an address as `ns1/192.0.2.1`, DS records at the end as \
    `DS tag algorithm digest-type hex`";

/// Reads the delegations of `zone`; `place` names the list in errors.
pub fn read(place: &str, mut list: impl BufRead, zone: &Name) -> Result<Parent, BadInput> {
    let mut parent = Parent::new(zone.clone());
    let mut line = String::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        let at = format!("{place}:{number}");
        let read = std::io::Read::take(&mut list, LINE_OCTETS_MAX).read_line(&mut line);
        match read {
            Ok(0) => break,
            Ok(length) if length as u64 == LINE_OCTETS_MAX && !line.ends_with('\n') => {
                return Err(BadInput::new(at, "the line is too long", FORM));
            }
            Ok(_) => {}
            Err(error) => return Err(BadInput::new(at, error, "see that it can be read")),
        }
        let text = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        if let [child, rest @ ..] = words.as_slice() {
            take(&mut parent, child, rest).map_err(|what| BadInput::new(at, what, FORM))?;
        }
    }
    if parent.is_empty() {
        return Err(BadInput::new(place, "no delegation in it", FORM));
    }
    Ok(parent.finish())
}

fn take(parent: &mut Parent, child: &str, rest: &[&str]) -> Result<(), String> {
    let child = parse_name(child).map_err(|error| error.to_string())?;
    if child == *parent.zone() || !parent.zone().zone_of(&child) {
        return Err(format!("{child} is not below {}", parent.zone()));
    }
    if parent.delegates(&child) {
        return Err(format!("{child} is listed twice"));
    }
    let mut sections = rest.split(|word| *word == "DS");
    let hosts = sections.next().unwrap_or_default();
    if hosts.is_empty() {
        return Err(format!("{child} has no nameserver"));
    }
    for word in hosts {
        let mut parts = word.split('/');
        let host =
            parse_name(parts.next().unwrap_or_default()).map_err(|error| error.to_string())?;
        let host = key_of(&host);
        parent.add_ns(key_of(&child), TTL, &host);
        for address in parts {
            let address: IpAddr = address
                .parse()
                .map_err(|_| format!("`{address}` is no address"))?;
            parent.add_address(&host, TTL, address);
        }
    }
    for ds in sections {
        let data = crate::plan::text::parse_ds(ds)
            .ok_or_else(|| format!("`DS {}` is no DS record", ds.join(" ")))?;
        parent.add_ds(key_of(&child), TTL, data.octets());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Parent, BadInput> {
        let zone = parse_name("test.").unwrap();
        read("list", text.as_bytes(), &zone)
    }

    #[test]
    fn a_list_gives_delegations() {
        let text = "# ours\n\na.test ns1.a.test/192.0.2.1/2001:db8::1 ns2.example DS 1 13 2 00FF DS 2 13 2 AA # tail\nb.test. ns2.example.\n";
        let parent = parse(text).unwrap();
        let name = |text: &str| parse_name(text).unwrap();
        assert_eq!(parent.len(), 2);
        let a = parent.delegation(&name("a.test.")).unwrap();
        assert_eq!(
            (a.ns.data.len(), a.ds_records().len(), a.glue.len()),
            (2, 2, 2)
        );
        assert!(parent.delegation(&name("b.test.")).unwrap().ds.is_none());
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, place, what) in [
            ("", "list", "no delegation"),
            ("a.test\n", "list:1", "no nameserver"),
            ("\na.other ns1.a.other\n", "list:2", "not below test."),
            ("a.test ns1/192.0.2.256\n", "list:1", "no address"),
            ("a.test ns1 DS 0 0 0 00\n", "list:1", "no DS record"),
            ("a.test ns1\nA.test. ns2\n", "list:2", "twice"),
            ("a..test ns1\n", "list:1", "a..test"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.place, place, "{error}");
            assert!(error.what.contains(what), "{error}");
        }
    }
}
