//! Carries features, not code: see scripts/unify-features.
