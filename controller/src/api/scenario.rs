//! What was observed and is planned, as a scenario file that `counterpoint run` plays.
//!
//! Owns the likeness: numbers of instances, TTLs, key layout, algorithm, and the controller's own
//! settings. What the world cannot imitate is said in the file.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, Dnskey},
    name::{Name, is_at_or_below},
    rdata::Soa,
};

use crate::{
    CdsAfter, KskRoll, Safety, SignerName,
    forecast::Forecast,
    place::{Item, Owner},
    setup::Setup,
    survey::Sights,
};

/// The TTL of the first DS RRset of a zone that has none yet.
const DS_TTL_SECONDS: u32 = 3_600;

/// The file. `Err`: why there cannot be one.
pub fn written(
    setup: &Setup,
    zone: &Name,
    members: &[SignerName],
    forecasts: &[Forecast],
    sights: &Sights,
) -> Result<String, String> {
    let config = &setup.declared.config;
    let mut text = String::new();
    let is_secure = has_data(sights, &Owner::Parent, &Item::Ds);
    let ds_ttl = ttl(sights, &Owner::Parent, &Item::Ds);
    let ds_ttl = ds_ttl.filter(|_| is_secure).unwrap_or(DS_TTL_SECONDS);
    let ns_ttl = ttl(sights, &Owner::Parent, &Item::Delegation);
    let settle = config.parent_settle.as_secs().max(2);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "title = \"{zone} as it was observed\"\nsource = \"counterpoint-controller plan\"\n\n\
         [parent]\nzone = \"{}\"\nservers = {}\nds-ttl = \"{ds_ttl}s\"\nns-ttl = \"{}s\"\n\n\
         [scanner]\ninterval = \"{}s\"\npublish-delay = \"0s..{}s\"\n\n\
         [controller]\npoll = \"{}s\"\nsafety = \"{}\"\nparent-settle = \"{settle}s\"\n\
         cds-after = \"{}\"\nksk-roll = \"{}\"\nguard = {}\n",
        config.parent.zone,
        servers(sights, &Owner::Parent),
        ns_ttl.unwrap_or(ds_ttl),
        settle / 2,
        settle / 2,
        config.poll.as_secs().max(1),
        safety(config.safety),
        if config.cds_after == CdsAfter::Keep {
            "keep"
        } else {
            "withdraw"
        },
        if config.ksk_roll == KskRoll::Swap {
            "swap"
        } else {
            "double"
        },
        config.guard,
    );
    for (owner, _) in sights.places.all() {
        if let Owner::Signer(name) = owner {
            signer(&mut text, setup, zone, name, sights);
        }
    }
    let quoted: Vec<String> = members.iter().map(|name| format!("\"{name}\"")).collect();
    let _ = write!(
        text,
        "\n[[zone]]\nname = \"{zone}\"\nsigners = [{}]\n{}records = [\"www A 192.0.2.1\"]\n",
        quoted.join(", "),
        if is_secure { "" } else { "secure = false\n" },
    );
    for forecast in forecasts {
        event(&mut text, forecast)?;
    }
    Ok(text)
}

fn signer(text: &mut String, setup: &Setup, zone: &Name, name: &SignerName, sights: &Sights) {
    let declared = &setup.declared.config.signers[name];
    let owner = Owner::Signer(name.clone());
    let seen = |item: &Item| ttl(sights, &owner, item);
    let soa = sights.all.iter().find_map(|sight| {
        let is_it = sight.place.owner == owner && sight.item == Item::Soa;
        let signed = sight.shown.as_ref().ok().filter(|_| is_it)?;
        signed.set.data.iter().find_map(Soa::parse)
    });
    let own = keys(sights, &owner);
    let numbers: BTreeSet<u8> = own.iter().map(|key| key.algorithm).collect();
    let known = numbers
        .iter()
        .find_map(|number| Algorithm::from_number(*number));
    let algorithm = match known {
        Some(Algorithm::RsaSha256) => "rsasha256",
        Some(Algorithm::EcdsaP256Sha256) => "ecdsap256sha256",
        Some(Algorithm::EcdsaP384Sha384) => "ecdsap384sha384",
        Some(Algorithm::Ed25519) | None => "ed25519",
    };
    let is_csk = declared
        .csk
        .unwrap_or_else(|| own.iter().all(Dnskey::is_sep));
    let max_ttl = declared.max_ttl.as_secs();
    let default_ttl = seen(&Item::Soa).unwrap_or(3_600);
    let _ = write!(
        text,
        "\n[[signer]]\nname = \"{name}\"\nservers = {}\nkeys = \"{}\"\nalgorithm = \"{algorithm}\"{}\n\
         dnskey-ttl = \"{}s\"\nns-ttl = \"{}s\"\ndefault-ttl = \"{default_ttl}s\"\nnegative-ttl = \"{}s\"\n\
         max-ttl = \"{max_ttl}s\"\n",
        servers(sights, &owner),
        if is_csk { "csk" } else { "ksk-zsk" },
        match known {
            Some(_) => String::new(),
            None => format!("    # observed: {numbers:?}, with which the world cannot sign"),
        },
        seen(&Item::Dnskey).unwrap_or(default_ttl),
        seen(&Item::Ns).unwrap_or(default_ttl),
        soa.map_or(default_ttl, |soa| soa.minimum.min(default_ttl)),
    );
    if declared.ns.iter().any(|name| is_at_or_below(name, zone)) {
        text.push_str("names-in = \"zone\"\n");
    } else if !declared.signal_zones.is_empty() {
        text.push_str("signal = true\n");
    }
}

fn event(text: &mut String, forecast: &Forecast) -> Result<(), String> {
    let Forecast { process, whom, .. } = forecast;
    let _ = match process.as_str() {
        "join" | "leave" | "roll-zsk" | "roll-ksk" | "roll-csk" => write!(
            text,
            "\n[[event]]\nat = \"1h\"\ndo = \"{process}\"\nsigner = \"{whom}\"\n"
        ),
        "go-insecure" => write!(text, "\n[[event]]\nat = \"1h\"\ndo = \"go-insecure\"\n"),
        other => {
            return Err(format!(
                "a {other} cannot be written as an event of a scenario"
            ));
        }
    };
    Ok(())
}

fn safety(safety: Safety) -> String {
    match safety {
        Safety::Share(share) => format!("{}%", (share * 100.0).round()),
        Safety::Fixed(span) => format!(
            "{}ms",
            span.min(Duration::from_secs(u32::MAX.into())).as_millis()
        ),
    }
}

/// How many instances caches can ask.
fn servers(sights: &Sights, owner: &Owner) -> usize {
    sights.places.public(owner).count().max(1)
}

fn ttl(sights: &Sights, owner: &Owner, item: &Item) -> Option<u32> {
    let of = sights
        .all
        .iter()
        .filter(|sight| sight.place.owner == *owner && sight.item == *item);
    of.filter_map(|sight| Some(sight.shown.as_ref().ok()?.set.ttl))
        .max()
}

fn has_data(sights: &Sights, owner: &Owner, item: &Item) -> bool {
    let mut of = sights
        .all
        .iter()
        .filter(|sight| sight.place.owner == *owner && sight.item == *item);
    of.any(|sight| {
        sight
            .shown
            .as_ref()
            .is_ok_and(|signed| !signed.set.data.is_empty())
    })
}

/// The keys that an owner serves.
fn keys(sights: &Sights, owner: &Owner) -> Vec<Dnskey> {
    let of = sights
        .all
        .iter()
        .filter(|sight| sight.place.owner == *owner && sight.item == Item::Dnskey);
    let sets = of.filter_map(|sight| sight.shown.as_ref().ok());
    let data: BTreeSet<_> = sets.flat_map(|signed| &signed.set.data).collect();
    data.into_iter().filter_map(Dnskey::parse).collect()
}
