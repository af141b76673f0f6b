//! Scenario files: language, runner, verdicts.
