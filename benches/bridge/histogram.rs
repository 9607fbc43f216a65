//! Latencies as bars in a terminal: buckets that grow by the same factor, everybody on one scale.

use std::fmt::Write as _;

use crate::contender::Contender;
use crate::event::Size;
use crate::measure::Seen;
use crate::table::number;

/// As many buckets as the terminal has columns for, between the least and the most that is shown.
const BUCKETS: usize = 72;
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Where values lie between two bounds, on a scale of factors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// From a bit below the least to a bit above the most; the values are positive.
    pub(crate) fn around(least: f64, most: f64) -> Self {
        Self { least: least / 1.02, most: (most * 1.02).max(least * 1.1) }
    }

    /// 0 at the least, 1 at the most, and beyond them what lies beyond.
    pub(crate) fn place(self, value: f64) -> f64 {
        (value / self.least).ln() / (self.most / self.least).ln()
    }

    fn bucket(self, value: f64) -> usize {
        let place = self.place(value).clamp(0.0, 1.0) * BUCKETS as f64;
        (place as usize).min(BUCKETS - 1)
    }

    /// 1, 2 and 5 of each power of ten that lies in it; where these are many, the powers alone.
    pub(crate) fn marks(self) -> Vec<f64> {
        let powers = self.least.log10().floor() as i32..=self.most.log10().ceil() as i32;
        let within = |value: &f64| (self.least..=self.most).contains(value);
        let of = |digits: &[f64]| -> Vec<f64> {
            let each = |power| digits.iter().map(move |digit| digit * 10_f64.powi(power));
            powers.clone().flat_map(each).filter(within).collect()
        };
        let all = of(&[1.0, 2.0, 5.0]);
        if all.len() > 9 { of(&[1.0]) } else { all }
    }
}

/// A row of bars for each contender.  The height is a share of the row's highest, by its root, since the
/// few slow ones are what is looked for.
pub(crate) fn draw(seen: &Seen, size: Size, colour: bool) -> String {
    let series: Vec<(Contender, Vec<f64>)> = seen
        .contenders
        .iter()
        .filter_map(|contender| {
            Some((*contender, seen.series(*contender, size)?.latencies.concat()))
        })
        .collect();
    let all: Vec<f64> = series.iter().flat_map(|(_, values)| values.iter().copied()).collect();
    let Some(least) = all.iter().copied().reduce(f64::min) else { return String::new() };
    let most = all.iter().copied().fold(least, f64::max);
    let scale = Scale::around(least, most);

    let mut text = format!("latency of {}, each invocation, µs\n", size.name());
    for (contender, values) in &series {
        let bars: String = levels(&buckets(values, scale)).into_iter().collect();
        let (on, off) = if colour { (contender.colour_code(), "\x1b[0m") } else { ("", "") };
        writeln!(text, "{:>34} │{on}{bars}{off}│", contender.name()).expect("a string takes it");
    }
    text + &axis(scale)
}

fn buckets(values: &[f64], scale: Scale) -> [usize; BUCKETS] {
    let mut buckets = [0; BUCKETS];
    for value in values {
        buckets[scale.bucket(*value)] += 1;
    }
    buckets
}

fn levels(buckets: &[usize; BUCKETS]) -> [char; BUCKETS] {
    let most = buckets.iter().copied().max().unwrap_or(0).max(1) as f64;
    buckets.map(|count| {
        let height = (count as f64 / most).sqrt() * (LEVELS.len() - 1) as f64;
        // Whoever was there is seen.
        LEVELS[height.ceil() as usize]
    })
}

fn axis(scale: Scale) -> String {
    let mut line = vec!['─'; BUCKETS];
    let mut words = vec![' '; BUCKETS + 8];
    let mut free = 0;
    for mark in scale.marks() {
        let at = scale.bucket(mark);
        line[at] = '┴';
        let word: Vec<char> =
            number(mark).trim_end_matches(".00").trim_end_matches(".0").chars().collect();
        if at >= free {
            words[at..at + word.len()].copy_from_slice(&word);
            free = at + word.len() + 1;
        }
    }
    let line: String = line.into_iter().collect();
    let words: String = words.into_iter().collect();
    format!("{:>34} └{line}┘\n{:>34}  {}\n", "", "", words.trim_end())
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    let scale = Scale { least: 10.0, most: 1_000.0 };
    for (value, place) in [(10.0, 0.0), (100.0, 0.5), (1_000.0, 1.0)] {
        assert!((scale.place(value) - place).abs() < 1e-9, "{value}");
    }
    for (value, bucket) in [(1.0, 0), (10.0, 0), (100.0, BUCKETS / 2), (5_000.0, BUCKETS - 1)] {
        assert_eq!(scale.bucket(value), bucket, "{value}");
    }
    assert_eq!(scale.marks(), [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0]);
    assert_eq!(
        Scale { least: 2.0, most: 3e5 }.marks(),
        [10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]
    );
    let drawn = levels(&buckets(&[10.0, 10.0, 10.0, 10.0, 100.0], scale));
    assert_eq!((drawn[0], drawn[1], drawn[BUCKETS / 2]), ('█', ' ', '▄'));
    let one = Scale::around(5.0, 5.0);
    assert!(one.place(5.0) > 0.0 && one.place(5.0) < 1.0);
}
