//! Mergeable sets of entities: true distincts over any range, from daily sets (engine-notes §5).
//!
//! Theta sketches with 4,096 entries: exact up to that, above it a standard error of 1.6 %. The bytes do not depend on the order
//! in which entities came or sets were merged.

use datasketches::theta::{CompactThetaSketch, ThetaSketchBuilder, ThetaUnion, ThetaUnionBuilder};

/// log2 of the entries a set keeps.
const LG_K: u8 = 12;

/// A stored set that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a stored distinct set is damaged: {0}")]
pub struct SetError(String);

/// The bytes of the set of some entities, given as 64-bit hashes.
pub fn set_of(hashes: impl IntoIterator<Item = u64>) -> Result<Vec<u8>, SetError> {
    let mut sketch = ThetaSketchBuilder::default().lg_k(LG_K).build().map_err(|e| SetError(e.to_string()))?;
    for hash in hashes {
        sketch.update(hash);
    }
    sketch.trim();
    Ok(sketch.compact(true).serialize())
}

/// The union of stored sets.
pub struct Union(ThetaUnion);

impl Union {
    pub fn new() -> Result<Self, SetError> {
        Ok(Self(ThetaUnionBuilder::default().lg_k(LG_K).build().map_err(|e| SetError(e.to_string()))?))
    }

    /// Adds a stored set.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), SetError> {
        let set = CompactThetaSketch::deserialize(bytes).map_err(|e| SetError(e.to_string()))?;
        self.0.update(&set).map_err(|e| SetError(e.to_string()))
    }

    /// Number of distinct entities, and whether it is exact (else its standard error is 1.6 %).
    pub fn count(&self) -> (u64, bool) {
        let set = self.0.to_sketch(true);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate of a count")]
        let count = set.estimate().round() as u64;
        (count, !set.is_estimation_mode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_unions_are_exact_and_large_ones_close() {
        let mut union = Union::new().expect("builds");
        for day in 0..10_u64 {
            union.add(&set_of(day * 100..day * 100 + 200).expect("builds")).expect("adds");
        }
        assert_eq!(union.count(), (1_100, true));
        union.add(&set_of(0..50_000).expect("builds")).expect("adds");
        let (count, exact) = union.count();
        assert!(!exact && count.abs_diff(50_000) < 3_000, "{count}");
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_order() {
        assert_eq!(set_of(0..9_000).expect("builds"), set_of((0..9_000).rev()).expect("builds"));
    }
}
