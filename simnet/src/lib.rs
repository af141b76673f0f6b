//! A simulated DNS world on virtual time.
