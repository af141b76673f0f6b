//! Resolvers that resemble the defaults of products, each value with its source.
//!
//! Data only. What a product does and this resolver cannot express is listed in `docs/resolvers.md`, with
//! the commits and manuals that the values were read from.

use std::time::Duration;

use crate::{
    resolver::config::{Config, Prefetch, Selection, View},
    validate::{DigestChoice, Leeway},
};

const DAY: u32 = 86_400;

impl Config {
    /// Resembles Unbound 1.2x. Sources: `util/config_file.c` (`config_create`) and unbound.conf(5).
    pub fn like_unbound(mut self) -> Self {
        // The child's NS RRset has the higher trust: `services/cache/rrset.c`, RFC 2181 §5.4.1.
        self.view = View::ChildCentric;
        self.ttl_max = Some(DAY); // cache-max-ttl
        self.ttl_min = 0; // cache-min-ttl
        self.negative_ttl_max = Some(3_600); // cache-max-negative-ttl
        self.stale = 0; // serve-expired: no
        self.prefetch = Prefetch::default(); // prefetch: no
        self.aggressive = true; // aggressive-nsec: yes
        self.aggressive_nsec3 = false; // NSEC alone
        self.selection = Selection::Fastest; // RTT_BAND of 400 ms in iterator/iterator.h
        self.servers_tries = 32; // max-sent-count
        self.bogus_tries = 1 + 5; // val-max-restart
        self.patience = None;
        self.failure_ttl = 5; // NORR_TTL in util/data/msgparse.h
        self.bogus_ttl = 60; // val-bogus-ttl
        // harden-algo-downgrade: no
        self.policy.every_ds_algorithm = false;
        // `val_favorite_ds_algo` in validator/val_utils.c
        self.policy.digest_choice = DigestChoice::StrongestOnly;
        // val-sig-skew-min, val-sig-skew-max: a tenth of the lifetime between an hour and a day
        let skew = Leeway {
            percent: 10,
            least: 3_600,
            most: DAY,
        };
        self.policy.tolerance.early = skew;
        self.policy.tolerance.late = skew;
        // MAX_VALIDATE_RRSIGS in validator/val_sigcrypt.c
        self.policy.tolerance.bad_signatures_max = Some(8);
        self
    }

    /// Resembles BIND 9.18 and 9.20. Sources: `bin/named/config.c` and the ARM, "options".
    pub fn like_bind(mut self) -> Self {
        // The child's NS RRset replaces the delegation's up to 9.20; 9.21.21 keeps to the parent's (GL #3311).
        self.view = View::ChildCentric;
        self.ttl_max = Some(7 * DAY); // max-cache-ttl
        self.ttl_min = 0; // min-cache-ttl
        self.negative_ttl_max = Some(10_800); // max-ncache-ttl
        self.stale = 0; // stale-answer-enable no
        // prefetch 2 9
        self.prefetch = Prefetch {
            percent: 0,
            left: 2,
            eligible: 9,
        };
        self.aggressive = true; // synth-from-dnssec yes
        self.aggressive_nsec3 = false; // NSEC alone
        self.selection = Selection::Fastest; // smoothed round-trip times, lib/dns/adb.c
        self.servers_tries = 50; // max-recursion-queries
        self.patience = Some(Duration::from_secs(10)); // resolver-query-timeout
        self.failure_ttl = 1; // servfail-ttl
        self.bogus_ttl = 1; // servfail-ttl
        // "ignore DNS_DSDIGEST_SHA1 if a SHA256 or SHA384 is present", lib/dns/validator.c
        self.policy.digest_choice = DigestChoice::NoSha1BesideSha2;
        // dnssec-accept-expired no
        self
    }

    /// Resembles Knot Resolver 6. Sources: `lib/defines.h` and the manual, "Cache".
    pub fn like_knot_resolver(mut self) -> Self {
        // Authoritative NS RRsets are ranked above referrals, lib/cache.
        self.view = View::ChildCentric;
        self.ttl_max = Some(DAY); // cache/ttl-max, KR_CACHE_DEFAULT_TTL_MAX
        self.ttl_min = 5; // cache/ttl-min, KR_CACHE_DEFAULT_TTL_MIN
        self.negative_ttl_max = None; // there is one bound for all
        self.stale = 0; // options/serve-stale: false
        self.prefetch = Prefetch::default(); // cache/prefetch/expiring: false
        self.aggressive = true; // "Cache", RFC 8198
        self.selection = Selection::Fastest; // epsilon-greedy with 1/20, lib/selection.c
        self.servers_tries = 100; // KR_ITER_LIMIT
        self.patience = Some(Duration::from_secs(10)); // KR_RESOLVE_TIME_LIMIT
        // KR_VLD_LIMIT_CRYPTO_DEFAULT
        self.policy.tolerance.bad_signatures_max = Some(32);
        self
    }

    /// Resembles PowerDNS Recursor 5 with validation on (its default validates only whom asks for it).
    /// Sources: `pdns/recursordist/rec-rust-lib/table.py` and the settings pages made from it.
    pub fn like_powerdns_recursor(mut self) -> Self {
        // Sticks to the child's NS RRset and keeps the parent's to fall back on: save-parent-ns-set.
        self.view = View::ChildCentric;
        self.ttl_max = Some(DAY); // max-cache-ttl
        self.ttl_min = 1; // minimum-ttl-override
        self.negative_ttl_max = Some(3_600); // max-negative-ttl
        self.stale = 0; // serve-stale-extensions
        self.prefetch = Prefetch::default(); // refresh-on-ttl-perc: 0
        self.aggressive = true; // aggressive-nsec-cache-size: 100000
        self.selection = Selection::Fastest; // decaying averages, pdns/recursordist/syncres.cc
        self.servers_tries = 50; // max-qperq
        self.bogus_tries = 1; // what is bogus is not asked of another server
        self.patience = Some(Duration::from_secs(7)); // max-total-msec
        self.failure_ttl = 60; // packetcache-servfail-ttl
        self.bogus_ttl = 3_600; // max-cache-bogus-ttl
        // "do not use SHA-1 if SHA-256 or SHA-384 is available", syncres.cc
        self.policy.digest_choice = DigestChoice::NoSha1BesideSha2;
        self.policy.tolerance.early = Leeway::fixed(60); // signature-inception-skew
        self
    }
}
