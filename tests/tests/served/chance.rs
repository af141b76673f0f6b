//! The story that RFC 8901 begins with, where it depends on chance whom a resolver asks: the same
//! outcomes are seen of a product and of ours.

use std::collections::BTreeSet;

use counterpoint_dns::{
    message::Question,
    name::{RecordType, parse_name},
};

use crate::{
    is_able,
    judges::{Judges, PROGRAMS, Product, Verdict},
    ours::Ours,
    world::{Served, instant, show},
};

/// Names that nobody has cached yet, each asked once.
const NAMES: usize = 40;
/// Among how many resolvers they are divided.
const RESOLVERS: usize = 8;

fn label(number: usize) -> String {
    format!("host-{number}")
}

#[test]
fn keys_that_were_not_exchanged_fail_by_chance_and_who_asks_again_hides_it() {
    if !is_able(&PROGRAMS) {
        return;
    }
    let records: Vec<String> = (0..NAMES)
        .map(|number| format!("\"{} A 192.0.2.1\"", label(number)))
        .collect();
    let records = format!("zone.\"example.test.\".records=[{}]", records.join(","));
    let file = "library/section-4-zsk-not-exchanged.toml";
    let show = show(file, &[&records], "127.89.0.0/16".parse().unwrap());
    let served = Served::open(show, &[instant("10h 5m")]);
    let root = served.show.root();
    let questions: Vec<Question> = (0..NAMES)
        .map(|number| parse_name(&format!("{}.example.test.", label(number))).unwrap())
        .map(|name| Question::new(name, RecordType::A))
        .collect();
    for product in Product::ALL {
        let expected = match product {
            Product::Unbound => BTreeSet::from([Verdict::Secure]),
            Product::Recursor | Product::Delv => BTreeSet::from([Verdict::Secure, Verdict::Fails]),
        };
        // Some keep to the fastest server: each group of names is for one that has not asked anybody.
        let each = questions.chunks(NAMES / RESOLVERS);
        let theirs = each.flat_map(|questions| {
            let judges = Judges::open(root.clone()).unwrap();
            let asked = questions
                .iter()
                .map(|question| judges.ask(product, question).0);
            asked.collect::<Vec<_>>()
        });
        assert_eq!(outcomes(theirs), expected, "{product:?}");
        let each = questions.chunks(NAMES / RESOLVERS).enumerate();
        let own = each.flat_map(|(seed, questions)| {
            let mut ours = Ours::new(&root, product.profile(), seed as u64);
            let asked = questions.iter().map(|question| ours.ask(question).0);
            asked.collect::<Vec<_>>()
        });
        assert_eq!(outcomes(own), expected, "ours like {product:?}");
    }
}

/// Those that are seen; two are enough.
fn outcomes(verdicts: impl Iterator<Item = Verdict>) -> BTreeSet<Verdict> {
    let mut seen = BTreeSet::new();
    for verdict in verdicts {
        seen.insert(verdict);
        if seen.len() > 1 {
            break;
        }
    }
    seen
}
