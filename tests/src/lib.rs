//! Whole-system tests and benches live in `tests/tests` and `tests/benches`.
