//! Figures out of figures: percentiles, medians, ratios.

/// The value below which so many hundredths of the values lie, by the nearest rank.
pub(crate) fn percentile(values: &[f64], hundredths: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return f64::NAN;
    }
    let rank = (hundredths / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// How many times the floor something takes: the median of the rounds' own ratios, and the least and the
/// most of them.  Each round has its own floor, because what disturbs a round disturbs all of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Ratio {
    pub(crate) fn of(rounds: &[f64], floor: &[f64]) -> Self {
        let ratios: Vec<f64> =
            rounds.iter().zip(floor).map(|(round, floor)| round / floor).collect();
        Self {
            median: median(&ratios),
            least: percentile(&ratios, 0.0),
            most: percentile(&ratios, 100.0),
        }
    }
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    for (hundredths, value) in [(0.0, 1.0), (1.0, 1.0), (50.0, 50.0), (99.0, 99.0), (100.0, 100.0)]
    {
        assert!((percentile(&hundred, hundredths) - value).abs() < 1e-9, "p{hundredths}");
    }
    assert!((percentile(&[7.0], 99.0) - 7.0).abs() < 1e-9);
    assert!(percentile(&[], 50.0).is_nan());
    let ratio = Ratio::of(&[2.0, 9.0, 4.0], &[1.0, 3.0, 4.0]);
    assert_eq!(ratio, Ratio { median: 2.0, least: 1.0, most: 3.0 });
}
