//! The time of day. Everything else is told the time; this asks for it.

use std::time::{Duration, SystemTime};

use crate::time::Timestamp;

/// A longer sleep is cut into pieces, so that a clock that is set meanwhile is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// The time of day.
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver is the place that owns the real clock"
    )]
    pub fn now(self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is broken; the epoch is as good as anything.
        Timestamp::default() + since_1970.unwrap_or_default()
    }

    /// Sleeps until `at`; for ever, if there is no such time. Others have their turn even if it has
    /// passed, so that an agent that is always due hears its answers all the same.
    pub async fn reach(self, at: Option<Timestamp>) {
        let Some(at) = at else {
            return std::future::pending().await;
        };
        tokio::task::yield_now().await;
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(SLEEP_MAX)).await;
        }
    }
}
