//! `[[resolver]]`: concrete resolvers, which bear witness. What a profile means is decided in
//! `run::resolvers`.

use std::time::Duration;

use counterpoint_dns::name::{Name, RecordType, parse_name};

use super::{
    event::{parse_type, print_type},
    setting::{Setting, names, quote, settings},
    time::{minutes, seconds},
};
use crate::load::reader::Field;

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
        /// Resembles Unbound.
        Unbound = "unbound",
        /// Resembles BIND.
        Bind = "bind",
        /// Resembles Knot Resolver.
        KnotResolver = "knot-resolver",
        /// Resembles PowerDNS Recursor.
        PowerdnsRecursor = "powerdns-recursor",
    }
}

impl ResolverProfile {
    /// Those that resemble products.
    pub const PRODUCTS: [Self; 4] = [
        Self::Unbound,
        Self::Bind,
        Self::KnotResolver,
        Self::PowerdnsRecursor,
    ];
}

names! {
    /// Whose NS RRset a resolver follows.
    pub enum NsView {
        /// The delegation's.
        ParentCentric = "parent-centric",
        /// The child's own.
        ChildCentric = "child-centric",
        /// The child's own, asked for again before it runs out.
        Sticky = "sticky",
    }
}

names! {
    /// When a resolver validates.
    pub enum Validation {
        /// When something comes; it is not judged again.
        AtFetch = "at-fetch",
        /// At every question, from what a cache holds that asks with CD=1.
        BehindCache = "behind-cache",
        /// Never.
        Off = "off",
    }
}

names! {
    /// Which algorithms must all sign.
    pub enum Strictness {
        /// None: any path will do.
        Liberal = "liberal",
        /// Those of the DS RRset.
        StrictDs = "strict-ds",
        /// Those of the DNSKEY RRset.
        StrictDnskey = "strict-dnskey",
    }
}

names! {
    /// Which of several DS digests count.
    pub enum Digests {
        /// Any that is supported.
        Any = "any",
        /// No SHA-1 beside SHA-2.
        NoSha1BesideSha2 = "no-sha1-beside-sha2",
        /// The strongest of the RRset.
        StrongestOnly = "strongest-only",
    }
}

names! {
    /// Which server is asked first.
    pub enum Selection {
        /// Any.
        Random = "random",
        /// The fastest.
        Fastest = "fastest",
    }
}

settings! {
    /// When answers are asked for ahead of time.
    pub struct Prefetch {
        /// With less than this share of the TTL left, percent.
        percent "percent": u32 = 0,
        /// Or with less than this left.
        left "left": Duration = seconds(0),
        /// Only what lives as long as this.
        eligible "eligible": Duration = seconds(0),
    }
}

settings! {
    /// How far signatures may be off.
    pub struct Skew {
        /// Before the inception.
        early "early": Duration = seconds(0),
        /// After the expiration.
        late "late": Duration = seconds(0),
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
        /// Of the profile: whose NS RRset it follows.
        ns "ns": Option<NsView> = None,
        /// When it validates.
        validation "validation": Option<Validation> = None,
        /// Which algorithms must all sign.
        strictness "strictness": Option<Strictness> = None,
        /// Which DS digests count.
        digests "digests": Option<Digests> = None,
        /// No TTL counts for more.
        ttl_max "ttl-max": Option<Duration> = None,
        /// No TTL counts for less.
        ttl_min "ttl-min": Option<Duration> = None,
        /// No denial counts for more.
        negative_ttl_max "negative-ttl-max": Option<Duration> = None,
        /// How long answers are given after their end if nothing else comes; 0: not at all.
        serve_stale "serve-stale": Option<Duration> = None,
        /// When answers are asked for ahead of time.
        prefetch "prefetch": Option<Prefetch> = None,
        /// Whether NSEC and NSEC3 records held deny names.
        aggressive_nsec "aggressive-nsec": Option<bool> = None,
        /// Which server is asked first.
        selection "selection": Option<Selection> = None,
        /// How many servers may give something bogus before it is believed.
        bogus_tries "bogus-tries": Option<u32> = None,
        /// How long failures are remembered.
        failure_ttl "failure-ttl": Option<Duration> = None,
        /// How long it is remembered that an answer was bogus.
        bogus_ttl "bogus-ttl": Option<Duration> = None,
        /// How far signatures may be off.
        skew "skew": Option<Skew> = None,
        /// How many wrong signatures of an RRset are tried.
        bad_signatures "bad-signatures": Option<u32> = None,
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
