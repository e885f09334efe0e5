//! A small seeded generator: the same seed gives the same numbers on every machine (integers and divisions only, no libm).

/// xoshiro256**, seeded through splitmix64.
#[derive(Debug, Clone)]
pub(crate) struct Random([u64; 4]);

impl Random {
    /// A stream of its own for every purpose, so that a change in one part leaves the others alone.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut state = purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state)
        };
        Self([next(), next(), next(), next()])
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * u128::try_from(bound).unwrap_or(0);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(bits) / 4_294_967_296.0
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// The place of a draw in running sums of weights.
    pub(crate) fn weighted(&mut self, sums: &[f64]) -> usize {
        let target = self.unit() * sums.last().copied().unwrap_or(0.0);
        sums.partition_point(|&sum| sum <= target).min(sums.len().saturating_sub(1))
    }

    /// A number of bytes, spread evenly over the magnitudes between two powers of two.
    pub(crate) fn size(&mut self, low_bits: usize, high_bits: usize) -> i64 {
        let bits = low_bits + self.below(high_bits - low_bits);
        let base = 1_i64 << bits;
        base + i64::try_from(self.below(1 << bits)).unwrap_or(0)
    }

    /// Lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }

    /// Five and five letters and digits with a hyphen, as InvenioRDM names records.
    pub(crate) fn record_id(&mut self) -> String {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        (0..11).map(|at| if at == 5 { '-' } else { char::from(*self.pick(LETTERS)) }).collect()
    }

    /// A random UUID's text.
    pub(crate) fn uuid(&mut self) -> String {
        let digits = self.hex(32);
        format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..32])
    }
}

/// Scatters a number; also used to derive what belongs to a visitor from the visitor's number.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Running sums of weights.
pub(crate) fn sums(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut total = 0.0;
    weights
        .map(|weight| {
            total += weight;
            total
        })
        .collect()
}
