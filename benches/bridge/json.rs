//! The figures as JSON, for whoever compares runs.

use serde_json::{Value, json};

use crate::event::Size;
use crate::figures::Figure;
use crate::measure::Seen;
use crate::statistics::median;

pub(crate) fn all(seen: &Seen, sizes: &[Size], figures: &[Figure], command: &str) -> Value {
    let floor = seen.contenders.first().copied();
    let contenders: Vec<Value> = seen
        .contenders
        .iter()
        .map(|contender| {
            let sizes: Vec<Value> = sizes
                .iter()
                .filter_map(|size| {
                    let series = seen.series(*contender, *size)?;
                    let ratio = series.ratio(seen.series(floor?, *size)?);
                    Some(json!({
                        "bytes": size.bytes(),
                        "p50Us": series.percentile(50.0),
                        "p90Us": series.percentile(90.0),
                        "p99Us": series.percentile(99.0),
                        "perSecond": series.throughput(),
                        "toFloor": { "median": ratio.median, "least": ratio.least, "most": ratio.most },
                        "cpuUs": median(&series.own_cpu),
                        "cpuWithProgramUs": median(&series.tree_cpu),
                    }))
                })
                .collect();
            let needs = seen.resources(*contender).map(|resources| {
                json!({
                    "startMs": resources.start_ms(50.0),
                    "systemCalls": resources.calls,
                    "systemCallsWithProgram": resources.calls_tree,
                    "residentKib": resources.resident_kib,
                    "peakKib": resources.peak_kib,
                })
            });
            json!({ "key": contender.key(), "sizes": sizes, "resources": needs })
        })
        .collect();
    let figures: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name,
                "value": figure.value,
                "atMost": figure.bar,
                "unit": figure.unit,
                "reached": figure.is_reached(),
            })
        })
        .collect();
    json!({
        "machine": crate::kernel::machine(),
        "command": command,
        "contenders": contenders,
        "figures": figures,
    })
}
