//! The rounds: every contender in its turn, several times over, and what was seen.

use std::collections::BTreeMap;

use crate::arguments::Arguments;
use crate::contender::{Contender, Running};
use crate::event::{Delivery, Size};
use crate::kernel::Tree;
use crate::lambda::Inbox;
use crate::programs::Programs;
use crate::resources::Resources;
use crate::statistics::{Ratio, median, percentile};
use crate::terminal;

/// What a contender took for events of one size.
#[derive(Debug, Default, Clone)]
pub(crate) struct Series {
    /// Microseconds of each invocation, round by round.
    pub(crate) latencies: Vec<Vec<f64>>,
    /// Microseconds of each invocation until the next event was asked for, the mean of each round.
    pub(crate) cycles: Vec<f64>,
    /// Microseconds on the processor for each invocation, the mean of each round.
    pub(crate) own_cpu: Vec<f64>,
    /// The same with all that the contender started.
    pub(crate) tree_cpu: Vec<f64>,
}

impl Series {
    /// The median of each round.
    pub(crate) fn medians(&self) -> Vec<f64> {
        self.latencies.iter().map(|round| median(round)).collect()
    }

    /// Of all rounds together.
    pub(crate) fn percentile(&self, hundredths: f64) -> f64 {
        percentile(&self.latencies.concat(), hundredths)
    }

    /// Invocations a second, one after another.
    pub(crate) fn throughput(&self) -> f64 {
        1e6 / median(&self.cycles)
    }

    pub(crate) fn ratio(&self, floor: &Self) -> Ratio {
        Ratio::of(&self.medians(), &floor.medians())
    }
}

/// All that was seen of all contenders.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) contenders: Vec<Contender>,
    /// In the same order; none where only latencies were measured.
    pub(crate) resources: Vec<Resources>,
    series: BTreeMap<(usize, Size), Series>,
}

impl Seen {
    pub(crate) fn series(&self, contender: Contender, size: Size) -> Option<&Series> {
        let at = self.contenders.iter().position(|each| *each == contender)?;
        self.series.get(&(at, size))
    }

    pub(crate) fn resources(&self, contender: Contender) -> Option<&Resources> {
        let at = self.contenders.iter().position(|each| *each == contender)?;
        self.resources.get(at)
    }
}

/// Everybody stays up over all rounds, asking for an event that comes with its next turn.
pub(crate) fn rounds(
    arguments: &Arguments,
    programs: &Programs,
    contenders: &[Contender],
    inbox: &mut Inbox,
) -> Result<Seen, String> {
    let mut seen = Seen { contenders: contenders.to_vec(), ..Seen::default() };
    let mut running = Vec::new();
    for contender in contenders {
        running.push(Running::start(*contender, programs, inbox)?);
    }
    let trees: Vec<Tree> = running.iter().map(|running| Tree::of(running.pid())).collect();
    for size in &arguments.sizes {
        let delivery = Delivery::new(*size);
        let count = ((size.slice() as f64 * arguments.scale) as usize).max(2);
        // The first round warms up and does not count.
        for round in 0..=arguments.rounds {
            for (at, contender) in contenders.iter().enumerate() {
                terminal::show(&format!("{}, round {round}: {}", size.name(), contender.name()));
                let mut latencies = Vec::with_capacity(count);
                let mut cycles = 0.0;
                let before = trees[at].time();
                for _ in 0..count {
                    let times = running[at].invoke(*contender, &delivery, inbox)?;
                    latencies.push(times.latency.as_secs_f64() * 1e6);
                    cycles += times.cycle.as_secs_f64() * 1e6;
                }
                let after = trees[at].time();
                if round > 0 {
                    let series = seen.series.entry((at, *size)).or_default();
                    series.latencies.push(latencies);
                    series.cycles.push(cycles / count as f64);
                    series.own_cpu.push((after.alone - before.alone) / count as f64);
                    series.tree_cpu.push((after.tree - before.tree) / count as f64);
                }
            }
        }
    }
    terminal::show("");
    Ok(seen)
}
