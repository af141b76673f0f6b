//! The multi-signer controller: processes as step tables, and the engine that runs them.
