//! The parent's zone from a master file (RFC 1035 §5.1), read as a stream.
//!
//! Every record type is read, so that a mistake anywhere is found; kept are NS, DS and addresses. The
//! file is whole: `$INCLUDE` and `$GENERATE` are refused, with the command that expands them.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use bytes::Bytes;
use counterpoint_dns::{
    name::{Name, canonical_wire},
    rdata::{Ds, Rdata, Soa},
};
use domain::{
    base::{
        Name as WireName,
        iana::{Class, Rtype},
        name::ToName,
    },
    rdata::ZoneRecordData,
    zonefile::inplace::{Entry, ScannedRecord, Zonefile},
};

use super::{
    BadInput, Parent,
    chunks::{Chunks, NoChunk},
    key::{key_of, key_of_labels},
};

const EXPAND: &str = "write the zone in plain form first, as by \
    `named-compilezone -f text -F text -s full -o plain.zone ZONE FILE` or \
    `kzonecheck -p -o ZONE FILE`";
/// How much is read at once.
const READ_OCTETS: usize = 256 << 10;

/// Reads the zone `zone`, or the zone of the file's SOA, from `path`; `-` is standard input.
pub fn read(path: &Path, zone: Option<&Name>) -> Result<Parent, BadInput> {
    let place = path.display().to_string();
    if path == Path::new("-") {
        let stdin = BufReader::with_capacity(READ_OCTETS, io::stdin());
        return read_from("standard input", stdin, zone);
    }
    let file = File::open(path)
        .map_err(|error| BadInput::new(&place, error, "name a zone file that can be read"))?;
    read_from(&place, BufReader::with_capacity(READ_OCTETS, file), zone)
}

/// Reads from a stream; `place` names it in errors.
pub fn read_from(place: &str, file: impl BufRead, zone: Option<&Name>) -> Result<Parent, BadInput> {
    let mut scanner = Zonefile::new();
    scanner.set_default_class(Class::IN);
    if let Some(zone) = zone {
        let origin = WireName::from_octets(Bytes::from(canonical_wire(zone)));
        scanner
            .set_origin(origin.map_err(|error| {
                BadInput::new(zone, error, "name the zone that the file is of")
            })?);
    }
    let mut chunks = Chunks::new(file);
    let mut reading = Reading {
        place,
        parent: zone.map(|zone| (key_of(zone), Parent::new(zone.clone()))),
    };
    loop {
        let chunk = chunks.next().map_err(|error| match error {
            NoChunk::Unreadable(error) => BadInput::new(place, error, "see that it can be read"),
            NoChunk::Endless(line) => BadInput::new(
                format!("{place}:{line}"),
                "the record that begins here does not end",
                "close the parenthesis or the quote",
            ),
        })?;
        let Some(chunk) = chunk else {
            break;
        };
        scanner.reserve(chunk.len());
        scanner.extend_from_slice(&chunk);
        loop {
            match scanner.next_entry() {
                Ok(Some(Entry::Record(record))) => reading.take(&record)?,
                Ok(Some(Entry::Include { path, .. })) => {
                    let what = format!("$INCLUDE {path} is not followed");
                    return Err(BadInput::new(place, what, EXPAND));
                }
                Ok(None) => break,
                Err(error) => return Err(unreadable(place, &error.to_string())),
            }
        }
    }
    let parent = reading
        .parent
        .map(|(_, parent)| parent)
        .filter(|parent| parent.serial().is_some());
    let parent = parent.ok_or_else(|| {
        let what = match zone {
            Some(zone) => format!("no SOA record of {zone}"),
            None => "no SOA record".into(),
        };
        BadInput::new(
            place,
            what,
            "name a whole zone file, and the zone that it is of",
        )
    })?;
    Ok(parent.finish())
}

/// domain's errors begin with line and column: those of what follows, if an entry ended too soon.
fn unreadable(place: &str, error: &str) -> BadInput {
    let mut parts = error.splitn(3, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (line, column, why) = (next(), next(), next().trim());
    let line: u64 = line.parse().unwrap_or(1);
    let (line, column) = match column {
        // The end of the line before it was reached.
        "1" if line > 1 => (line - 1, "1"),
        column => (line, column),
    };
    BadInput::new(
        format!("{place}:{line}:{column}"),
        format!("{why}: not master file format (RFC 1035 §5.1) as it is read here"),
        EXPAND,
    )
}

struct Reading<'a> {
    place: &'a str,
    /// The zone's key, and the zone; unknown until an SOA says it.
    parent: Option<(Box<[u8]>, Parent)>,
}

impl Reading<'_> {
    fn take(&mut self, record: &ScannedRecord) -> Result<(), BadInput> {
        let owner = key(record.owner());
        if record.class() != Class::IN {
            let what = format!(
                "{} is of class {}",
                record.owner().fmt_with_dot(),
                record.class()
            );
            return Err(BadInput::new(
                self.place,
                what,
                "only class IN is delegated",
            ));
        }
        if self.parent.is_none() && record.rtype() == Rtype::SOA {
            let name = super::key::name_of(&owner);
            self.parent = Some((owner.clone(), Parent::new(name)));
        }
        let Some((zone, parent)) = &mut self.parent else {
            let what = format!(
                "{} comes before the SOA record",
                record.owner().fmt_with_dot()
            );
            let remedy = "put the SOA record first, or name the zone with --zone";
            return Err(BadInput::new(self.place, what, remedy));
        };
        if !owner.starts_with(zone) {
            let what = format!(
                "{} is not in the zone {}",
                record.owner().fmt_with_dot(),
                parent.zone()
            );
            return Err(BadInput::new(
                self.place,
                what,
                "name the zone that the file is of",
            ));
        }
        let is_apex = owner == *zone;
        let ttl = record.ttl().as_secs();
        match record.data() {
            ZoneRecordData::Soa(soa) if is_apex => parent.set_serial(soa.serial().into_int()),
            _ if record.rtype() == Rtype::SOA && !is_apex => {
                let what = format!("a second SOA, at {}", record.owner().fmt_with_dot());
                return Err(BadInput::new(self.place, what, "name a file of one zone"));
            }
            ZoneRecordData::Ns(ns) if !is_apex => parent.add_ns(owner, ttl, &key(ns.nsdname())),
            ZoneRecordData::Ds(ds) if !is_apex => {
                let mut data = ds.key_tag().to_be_bytes().to_vec();
                data.extend([ds.algorithm().to_int(), ds.digest_type().to_int()]);
                data.extend_from_slice(ds.digest());
                parent.add_ds(owner, ttl, &data);
            }
            ZoneRecordData::A(a) => parent.add_address(&owner, ttl, a.addr().into()),
            ZoneRecordData::Aaaa(aaaa) => parent.add_address(&owner, ttl, aaaa.addr().into()),
            ZoneRecordData::Unknown(data)
                if !(is_apex && matches!(data.rtype(), Rtype::NS | Rtype::DS)) =>
            {
                take_octets(parent, owner, ttl, data.rtype(), data.data()).ok_or_else(|| {
                    let at = record.owner().fmt_with_dot();
                    let what = format!("{at} {}: these octets are none", data.rtype());
                    let remedy = "correct the record, or write its data as text";
                    BadInput::new(self.place, what, remedy)
                })?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Types that are kept, where their data are written as octets (RFC 3597 §5); `None` if these octets
/// are no data of that type.
fn take_octets(
    parent: &mut Parent,
    owner: Box<[u8]>,
    ttl: u32,
    rtype: Rtype,
    octets: &[u8],
) -> Option<()> {
    let data = || Rdata::from_octets(octets);
    match rtype {
        Rtype::SOA => parent.set_serial(Soa::parse(&data())?.serial),
        Rtype::NS => {
            let host = WireName::from_slice(octets).ok()?;
            parent.add_ns(owner, ttl, &key(&host));
        }
        Rtype::DS => {
            Ds::parse(&data())?;
            parent.add_ds(owner, ttl, octets);
        }
        Rtype::A => {
            let address: [u8; 4] = octets.try_into().ok()?;
            parent.add_address(&owner, ttl, address.into());
        }
        Rtype::AAAA => {
            let address: [u8; 16] = octets.try_into().ok()?;
            parent.add_address(&owner, ttl, address.into());
        }
        _ => {}
    }
    Some(())
}

fn key(name: &impl ToName) -> Box<[u8]> {
    let labels: Vec<&[u8]> = name
        .iter_labels()
        .filter(|label| !label.is_root())
        .map(|label| label.as_slice())
        .collect();
    key_of_labels(labels.into_iter().rev())
}

#[cfg(test)]
mod tests;
