//! `[judge]` and `[expect]`: who decides, and what should come out.

use std::time::Duration;

use counterpoint_dns::name::Name;

use super::{
    language::Key,
    parent::Algorithm,
    resolver::ResolverProfile,
    setting::{Setting, choose, names, quote, settings},
    time::Range,
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
    /// A resolver that resembles this product.
    Named(ResolverProfile),
}

impl Profile {
    /// Those that a word names.
    fn names() -> Vec<(&'static str, Self)> {
        let strictness = [
            ("liberal", Self::Liberal),
            ("strict-ds", Self::StrictDs),
            ("strict-dnskey", Self::StrictDnskey),
        ];
        let products = ResolverProfile::PRODUCTS.map(|one| (one.name(), Self::Named(one)));
        strictness.into_iter().chain(products).collect()
    }

    /// What reports call it.
    pub fn name(&self) -> String {
        match self {
            Self::Liberal => "liberal".into(),
            Self::StrictDs => "strict-ds".into(),
            Self::StrictDnskey => "strict-dnskey".into(),
            Self::Named(product) => product.name().into(),
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
        let names = Self::names();
        let choices = names.iter().enumerate();
        let choices = choices.map(|(index, (name, _))| (*name, index));
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

    fn words() -> Vec<&'static str> {
        Self::names().into_iter().map(|(name, _)| name).collect()
    }

    fn keys() -> Vec<Key> {
        OnlyTable::keys()
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
