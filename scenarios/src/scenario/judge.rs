//! `[judge]`, `[[resolver]]` and `[expect]`: who decides, who bears witness, what should come out.

use std::time::Duration;

use counterpoint_dns::name::{Name, RecordType, parse_name};

use super::{
    event::{parse_type, print_type},
    parent::Algorithm,
    setting::{Setting, choose, names, quote, settings},
    time::{Range, minutes, seconds},
};
use crate::load::{reader::Field, tree::Value};

names! {
    /// Which caches are thought of.
    pub enum Quantifier {
        /// Every live combination of what servers served.
        AnyCache = "any-cache",
        /// What one validating resolver can hold.
        OneResolver = "one-resolver",
    }
}

/// A validator profile of the oracle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// RFC 6840 §5.11: any path will do.
    Liberal,
    /// Every algorithm of the DS RRset must sign.
    StrictDs,
    /// Every algorithm of the DNSKEY RRset must sign.
    StrictDnskey,
    /// A validator that supports these algorithms only.
    Only(Vec<Algorithm>),
    /// A product.
    Named(&'static str),
}

/// The products that profiles are named after.
const PRODUCTS: [&str; 4] = ["unbound", "bind", "knot-resolver", "powerdns-recursor"];

impl Profile {
    /// What reports call it.
    pub fn name(&self) -> String {
        match self {
            Self::Liberal => "liberal".into(),
            Self::StrictDs => "strict-ds".into(),
            Self::StrictDnskey => "strict-dnskey".into(),
            Self::Named(product) => (*product).into(),
            Self::Only(algorithms) => {
                let names: Vec<&str> = algorithms.iter().map(|a| a.name()).collect();
                format!("only {}", names.join(" "))
            }
        }
    }
}

settings! {
    /// The table `{ only = […] }`.
    struct OnlyTable {
        /// The algorithms that are supported.
        only "only": Vec<Algorithm> = Vec::new(),
    }
}

impl Setting for Profile {
    fn read(field: &Field<'_>) -> Option<Self> {
        if let Value::Table(_) = field.node.value {
            return OnlyTable::read(field).map(|table| Self::Only(table.only));
        }
        let names = [
            ("liberal", Self::Liberal),
            ("strict-ds", Self::StrictDs),
            ("strict-dnskey", Self::StrictDnskey),
        ];
        let names = names
            .into_iter()
            .chain(PRODUCTS.map(|product| (product, Self::Named(product))))
            .collect::<Vec<_>>();
        let choices = names
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (*name, index));
        let chosen = choose(field, choices)?;
        names.into_iter().nth(chosen).map(|(_, profile)| profile)
    }

    fn print(&self) -> Option<String> {
        match self {
            Self::Only(algorithms) => algorithms
                .print()
                .map(|list| format!("{{ only = {list} }}")),
            profile => Some(quote(&profile.name())),
        }
    }
}

settings! {
    /// `[judge]`: who decides the verdict.
    pub struct Judge {
        /// For which validators.
        profiles "profiles": Vec<Profile> = vec![Profile::Liberal, Profile::StrictDs],
        /// For which caches.
        quantifier "quantifier": Quantifier = Quantifier::AnyCache,
    }
}

names! {
    /// How a concrete resolver behaves.
    pub enum ResolverProfile {
        /// Keeps to the parent's NS RRset.
        ParentCentric = "parent-centric",
        /// Prefers the child's NS RRset.
        ChildCentric = "child-centric",
        /// A validator behind a cache that does not validate.
        BehindCache = "behind-cache",
        Liberal = "liberal",
        StrictDs = "strict-ds",
        StrictDnskey = "strict-dnskey",
        Unbound = "unbound",
        Bind = "bind",
        KnotResolver = "knot-resolver",
        PowerdnsRecursor = "powerdns-recursor",
    }
}

settings! {
    /// When a resolver gives up and answers SERVFAIL.
    pub struct GiveUp {
        /// After so many questions.
        tries "tries": u32 = 8,
        /// Or after this long.
        total "total": Duration = seconds(10),
    }
}

/// A question that a resolver asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// About this name.
    pub name: Name,
    /// Of this type.
    pub rtype: RecordType,
}

impl Setting for Question {
    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "a question as \"www.example.test. A\"";
        let text = field.text(expected)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let question = match words.as_slice() {
            [name, rtype] => parse_name(name).ok().zip(parse_type(rtype)),
            _ => None,
        };
        match question {
            Some((name, rtype)) => Some(Self { name, rtype }),
            None => field.fail("bad-question", format!("`{text}` is not a question"), |d| {
                d.expected(format!("expected {expected}"))
            }),
        }
    }

    fn print(&self) -> Option<String> {
        Some(quote(&format!("{} {}", self.name, print_type(self.rtype))))
    }
}

settings! {
    /// `[[resolver]]`: a concrete resolver that asks all the time.
    pub struct Resolver {
        /// What it is called.
        name "name": String = String::new(),
        /// How it behaves; see [`Resolver::profile`].
        profile "profile": Option<ResolverProfile> = None,
        /// How often it asks each question.
        query_every "query-every": Duration = minutes(10),
        /// When it gives up.
        give_up "give-up": GiveUp = GiveUp::default(),
        /// How long its client waits.
        stub_timeout "stub-timeout": Duration = seconds(5),
        /// What it asks; none: an existing and a missing name of every zone.
        names "names": Vec<Question> = Vec::new(),
    }
}

impl Resolver {
    /// How it behaves: as said, else as its name says, else parent-centric.
    pub fn profile(&self) -> ResolverProfile {
        self.profile
            .or_else(|| ResolverProfile::from_name(&self.name))
            .unwrap_or(ResolverProfile::ParentCentric)
    }

    /// The resolvers of a scenario that names none.
    pub fn usual() -> Vec<Self> {
        let profiles = [
            ResolverProfile::ParentCentric,
            ResolverProfile::ChildCentric,
            ResolverProfile::BehindCache,
        ];
        let resolver = |profile: ResolverProfile| Self {
            name: profile.name().into(),
            ..Self::default()
        };
        profiles.map(resolver).into()
    }
}

names! {
    /// What the oracle says of a run.
    pub enum Verdict {
        Safe = "safe",
        Unsafe = "unsafe",
    }
}

names! {
    /// What can be violated.
    pub enum Property {
        /// No possible cache gets Bogus.
        Secure = "secure",
        /// No possible cache holds an authenticated "no DS" while the zone must be signed.
        NeverInsecure = "never-insecure",
        /// Every NS set that a cache may hold names a server that answers.
        Reachable = "reachable",
        /// No cached denial hides what every signer serves.
        NoFalseDenial = "no-false-denial",
        /// The parent changed only where a rule accepted.
        ParentUntouched = "parent-untouched",
        /// Nobody took forged data for true.
        NoForgery = "no-forgery",
        /// Every process ended within its bound.
        DoneWithin = "done-within",
    }
}

impl Property {
    /// Whether a violation of it makes a run unsafe; the others are reported only.
    pub const fn decides(self) -> bool {
        !matches!(
            self,
            Self::ParentUntouched | Self::NoForgery | Self::DoneWithin
        )
    }
}

names! {
    /// What became of the parent's DS, NS and glue.
    pub enum ParentState {
        Changed = "changed",
        Untouched = "untouched",
    }
}

settings! {
    /// A class of violations that should occur.
    pub struct ExpectedViolation {
        /// What is violated.
        property "property": Property = Property::Secure,
        /// For which caches; the stronger only, for one-resolver implies any-cache.
        quantifier "quantifier": Quantifier = Quantifier::AnyCache,
        /// In which zone; none: in any.
        zone "zone": Option<Name> = None,
        /// When first; none: at any time.
        first "first": Option<Range> = None,
    }
}

settings! {
    /// `[expect]`: what should come out.
    pub struct Expect {
        /// The verdict; see [`Expect::verdict`].
        verdict "verdict": Option<Verdict> = None,
        /// Exactly these classes of violations.
        violations "violations": Option<Vec<ExpectedViolation>> = None,
        /// Whose nameservers the parent's NS RRset names at the end.
        signers "signers": Option<Vec<String>> = None,
        /// All processes done, counted from the start.
        within "within": Option<Duration> = None,
        /// Whether the parent changed.
        parent "parent": Option<ParentState> = None,
        /// Reason codes that the scanner must have given.
        reasons "reasons": Vec<String> = Vec::new(),
        /// What must have been reached.
        sometimes "sometimes": Vec<String> = Vec::new(),
    }
}

impl Expect {
    /// The expected verdict: as said, else unsafe if violations are listed that make it so, else safe.
    pub fn verdict(&self) -> Verdict {
        let listed = self.violations.as_deref().unwrap_or_default();
        match self.verdict {
            Some(verdict) => verdict,
            None if listed.iter().any(|class| class.property.decides()) => Verdict::Unsafe,
            None => Verdict::Safe,
        }
    }
}
