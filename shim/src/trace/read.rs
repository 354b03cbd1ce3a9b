//! Reading a trace: its lines, and the sums that say what a program did to a token.

use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one process wrote first.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Start {
    /// When, in RFC 3339, UTC.
    pub t: String,
    /// The process.
    pub pid: u32,
    /// The version of the shim.
    pub shim: String,
    /// The driver that it forwarded to.
    pub driver: String,
    /// The faults that were to be injected, as configured.
    #[serde(default)]
    pub faults: Vec<String>,
}

/// One call.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Call {
    /// When it returned, in RFC 3339, UTC.
    pub t: String,
    /// The process.
    pub pid: u32,
    /// The thread, numbered from 1 in the order of their first calls.
    pub thread: u64,
    /// The call's number in its process, from 1 at the first C_Initialize; 0 for what came before it and for
    /// C_GetFunctionList, C_GetInterfaceList and C_GetInterface.
    pub n: u64,
    /// The function, such as `C_Login`.
    #[serde(rename = "fn")]
    pub function: String,
    /// The arguments, by the specification's names.
    #[serde(default)]
    pub args: Value,
    /// The return value by name, such as `CKR_OK`; in hex when it has none.
    pub rv: String,
    /// How long the application waited, in microseconds.
    pub us: u64,
    /// The fault that was injected here.
    #[serde(default)]
    pub fault: Option<String>,
}

/// A whole trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The processes, in the order in which they started.
    pub starts: Vec<Start>,
    /// The calls, in the order in which they returned.
    pub calls: Vec<Call>,
    /// The numbers (from 1) of the lines that could not be read. The last line of a killed process may be one.
    pub unreadable: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Call(Call),
    Start(Start),
}

impl Trace {
    /// Reads a trace. Nothing is an error: a line that cannot be read is listed and left out.
    pub fn parse(text: &str) -> Self {
        let mut trace = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(Line::Call(call)) => trace.calls.push(call),
                Ok(Line::Start(start)) => trace.starts.push(start),
                Err(_) => trace.unreadable.push(index + 1),
            }
        }
        trace
    }

    /// How many calls were counted, over all processes: the number of places where a run can be made to fail.
    pub fn counted(&self) -> u64 {
        self.last_numbers().values().sum()
    }

    /// How many calls each process made.
    fn last_numbers(&self) -> BTreeMap<u32, u64> {
        let mut last = BTreeMap::new();
        for call in &self.calls {
            let highest: &mut u64 = last.entry(call.pid).or_default();
            *highest = call.n.max(*highest);
        }
        last
    }

    /// The sums.
    pub fn summary(&self) -> Summary {
        let mut functions: BTreeMap<&str, FunctionSummary> = BTreeMap::new();
        for call in &self.calls {
            let sum = functions.entry(&call.function).or_insert_with(|| FunctionSummary {
                function: call.function.clone(),
                calls: 0,
                us: 0,
                longest_us: 0,
                failures: BTreeMap::new(),
            });
            sum.calls += 1;
            sum.us = sum.us.saturating_add(call.us);
            sum.longest_us = sum.longest_us.max(call.us);
            if call.rv != "CKR_OK" {
                *sum.failures.entry(call.rv.clone()).or_default() += 1;
            }
        }
        let mut functions: Vec<_> = functions.into_values().collect();
        functions.sort_by(|a, b| b.us.cmp(&a.us).then_with(|| a.function.cmp(&b.function)));
        let is_login = |call: &&Call| matches!(call.function.as_str(), "C_Login" | "C_LoginUser");
        let logins: Vec<_> = self.calls.iter().filter(is_login).collect();
        Summary {
            processes: self.calls.iter().map(|call| call.pid).collect::<BTreeSet<_>>().len(),
            calls: self.counted(),
            logins: logins.len(),
            failed_logins: logins.iter().filter(|call| call.rv != "CKR_OK").count(),
            us: self.calls.iter().fold(0, |sum, call| sum.saturating_add(call.us)),
            faults: self.calls.iter().filter(|call| call.fault.is_some()).count(),
            unreadable: self.unreadable.len(),
            functions,
        }
    }
}

/// What a trace says in sum. It displays as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Processes that called.
    pub processes: usize,
    /// Calls from C_Initialize on, those that only ask for the functions left out.
    pub calls: u64,
    /// Calls of C_Login and C_LoginUser.
    pub logins: usize,
    /// Those that did not return CKR_OK.
    pub failed_logins: usize,
    /// The time in the driver (and in configured delays), in microseconds, over all threads.
    pub us: u64,
    /// Calls at which a fault was injected.
    pub faults: usize,
    /// Lines that could not be read.
    pub unreadable: usize,
    /// By function, the one that took longest first.
    pub functions: Vec<FunctionSummary>,
}

/// What a trace says of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSummary {
    /// The function.
    pub function: String,
    /// How often it was called.
    pub calls: u64,
    /// How long the calls took together, in microseconds.
    pub us: u64,
    /// The longest of them, in microseconds.
    pub longest_us: u64,
    /// How often it returned what other than CKR_OK.
    pub failures: BTreeMap<String, u64>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} calls, {} logins ({} failed), {} in the driver, {} processes",
            self.calls,
            self.logins,
            self.failed_logins,
            Milliseconds(self.us),
            self.processes
        )?;
        if self.faults > 0 {
            writeln!(f, "{} faults injected", self.faults)?;
        }
        if self.unreadable > 0 {
            writeln!(f, "{} unreadable lines", self.unreadable)?;
        }
        writeln!(f, "{:<28} {:>6} {:>14} {:>14}  failures", "function", "calls", "total", "longest")?;
        for sum in &self.functions {
            let failures: Vec<_> = sum.failures.iter().map(|(rv, times)| format!("{rv} ×{times}")).collect();
            let (total, longest) =
                (Milliseconds(sum.us).to_string(), Milliseconds(sum.longest_us).to_string());
            let line = format!(
                "{:<28} {:>6} {total:>14} {longest:>14}  {}",
                sum.function,
                sum.calls,
                failures.join(", ")
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Microseconds, shown in milliseconds.
struct Milliseconds(u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} ms", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"
{"t":"2026-11-22T00:00:00.000000Z","pid":7,"shim":"0.1.0","driver":"/d.so"}
{"t":"2026-11-22T00:00:00.000001Z","pid":7,"thread":1,"n":0,"fn":"C_GetFunctionList","args":{},"rv":"CKR_OK","us":2}
{"t":"2026-11-22T00:00:00.000002Z","pid":7,"thread":1,"n":1,"fn":"C_Initialize","args":{"pInitArgs":null},"rv":"CKR_OK","us":1000}
{"t":"2026-11-22T00:00:00.000003Z","pid":7,"thread":1,"n":3,"fn":"C_Login","args":{"pPin":"withheld"},"rv":"CKR_PIN_INCORRECT","us":2500}
{"t":"2026-11-22T00:00:00.000003Z","pid":7,"thread":2,"n":2,"fn":"C_Login","args":{},"rv":"CKR_OK","us":1500,"fault":"lie=x"}
{"t":"2026-11-22T00:00:00.000004Z","pid":8,"thread":1,"n":1,"fn":"C_Initialize","args":{},"rv":"CKR_OK","us":1}
{"t":"2026-11-22T00:00:00.000005Z","pid":8,"thr"#;

    #[test]
    fn sums_are_right_and_a_torn_last_line_is_no_harm() {
        let trace = Trace::parse(TRACE);
        assert_eq!(trace.starts.len(), 1);
        assert_eq!(trace.calls.len(), 5);
        assert_eq!(trace.unreadable, [8]);
        assert_eq!(trace.counted(), 4);
        let summary = trace.summary();
        assert_eq!((summary.logins, summary.failed_logins, summary.processes), (2, 1, 2));
        assert_eq!((summary.faults, summary.unreadable, summary.us), (1, 1, 5003));
        assert_eq!(summary.functions[0].function, "C_Login");
        assert_eq!((summary.functions[0].us, summary.functions[0].longest_us), (4000, 2500));
        assert_eq!(summary.functions[0].failures["CKR_PIN_INCORRECT"], 1);
        let shown = summary.to_string();
        assert!(shown.contains("4 calls, 2 logins (1 failed), 5.003 ms"), "{shown}");
        assert!(shown.contains("CKR_PIN_INCORRECT ×1"), "{shown}");
    }
}
