//! What the shim is told: one JSON file, and environment variables that go before it.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// How certificates and public keys are recorded.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Public {
    /// By length and SHA-256.
    #[default]
    Digest,
    /// In hex, whole.
    Full,
}

/// What becomes of the application when its trace cannot be opened.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnTraceFailure {
    /// It goes on without a trace.
    #[default]
    Continue,
    /// The module does not load.
    Refuse,
}

/// The file as it may be written. A key that is not known is an error, or a misspelt fault would look like a pass.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    driver: Option<PathBuf>,
    trace: Option<PathBuf>,
    on_trace_failure: OnTraceFailure,
    public: Public,
    delay_ms: u64,
    delays: BTreeMap<String, u64>,
    faults: Vec<String>,
}

/// The configuration of one process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The real driver.
    pub(crate) driver: PathBuf,
    /// The file that the trace is appended to; none, no trace.
    pub(crate) trace: Option<PathBuf>,
    pub(crate) on_trace_failure: OnTraceFailure,
    pub(crate) public: Public,
    /// Before every call.
    pub(crate) delay_ms: u64,
    /// Instead of `delay_ms`, by function or `function/mechanism`.
    pub(crate) delays: BTreeMap<String, u64>,
    /// In the syntax of the fault module, which need not be in this build.
    pub(crate) faults: Vec<String>,
}

impl Config {
    /// Reads the file that USBTOKEN_SHIM_CONFIG names, if any, and then the other variables.
    ///
    /// # Errors
    /// One line that names what is wrong, and where.
    pub(crate) fn read(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let text = |name: &str| match env(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(format!("{name} is not Unicode")),
        };
        let mut file = match env("USBTOKEN_SHIM_CONFIG") {
            Some(path) => read_file(&PathBuf::from(path))?,
            None => File::default(),
        };
        if let Some(driver) = env("USBTOKEN_SHIM_DRIVER") {
            file.driver = Some(driver.into());
        }
        if let Some(trace) = env("USBTOKEN_SHIM_TRACE") {
            file.trace = Some(trace.into());
        }
        match text("USBTOKEN_SHIM_ON_TRACE_FAILURE")?.as_deref() {
            None => {}
            Some("continue") => file.on_trace_failure = OnTraceFailure::Continue,
            Some("refuse") => file.on_trace_failure = OnTraceFailure::Refuse,
            Some(other) => {
                return Err(format!("USBTOKEN_SHIM_ON_TRACE_FAILURE is continue or refuse, not {other:?}"));
            }
        }
        match text("USBTOKEN_SHIM_PUBLIC")?.as_deref() {
            None => {}
            Some("digest") => file.public = Public::Digest,
            Some("full") => file.public = Public::Full,
            Some(other) => return Err(format!("USBTOKEN_SHIM_PUBLIC is digest or full, not {other:?}")),
        }
        if let Some(ms) = text("USBTOKEN_SHIM_DELAY_MS")? {
            file.delay_ms = milliseconds("USBTOKEN_SHIM_DELAY_MS", &ms)?;
        }
        if let Some(list) = text("USBTOKEN_SHIM_DELAYS")? {
            for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                let (what, ms) = item
                    .split_once('=')
                    .ok_or_else(|| format!("USBTOKEN_SHIM_DELAYS: {item:?} is not function=milliseconds"))?;
                file.delays.insert(what.trim().to_owned(), milliseconds("USBTOKEN_SHIM_DELAYS", ms.trim())?);
            }
        }
        if let Some(list) = text("USBTOKEN_SHIM_FAULT")? {
            file.faults =
                list.split(';').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        }
        Ok(Self {
            driver: file.driver.ok_or(
                "no driver is configured: set USBTOKEN_SHIM_DRIVER or \"driver\" in the file \
                 that USBTOKEN_SHIM_CONFIG names (not read in set-uid and set-gid programs)",
            )?,
            trace: file.trace,
            on_trace_failure: file.on_trace_failure,
            public: file.public,
            delay_ms: file.delay_ms,
            delays: file.delays,
            faults: file.faults,
        })
    }
}

fn read_file(path: &std::path::Path) -> Result<File, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))
}

fn milliseconds(variable: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{variable}: {text:?} is not a number of milliseconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, String> {
        Config::read(|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shim.json");
        std::fs::write(
            &path,
            r#"{"driver": "/a.so", "trace": "/t", "delay_ms": 30, "delays": {"C_Sign": 200},
                "faults": ["3:ckr=CKR_DEVICE_ERROR"], "public": "full", "on_trace_failure": "refuse"}"#,
        )
        .unwrap();
        let path = path.to_str().unwrap();
        let config = read(&[
            ("USBTOKEN_SHIM_CONFIG", path),
            ("USBTOKEN_SHIM_DRIVER", "/b.so"),
            ("USBTOKEN_SHIM_DELAYS", "C_GenerateKeyPair/CKM_RSA_PKCS_KEY_PAIR_GEN=8000, C_Sign=1"),
            ("USBTOKEN_SHIM_FAULT", "1:exit; 2:hang=5,sticky;"),
        ])
        .unwrap();
        assert_eq!(config.driver, PathBuf::from("/b.so"));
        assert_eq!(config.trace, Some("/t".into()));
        assert_eq!(config.public, Public::Full);
        assert_eq!(config.on_trace_failure, OnTraceFailure::Refuse);
        assert_eq!(config.delay_ms, 30);
        assert_eq!(config.delays["C_Sign"], 1);
        assert_eq!(config.delays["C_GenerateKeyPair/CKM_RSA_PKCS_KEY_PAIR_GEN"], 8000);
        assert_eq!(config.faults, ["1:exit", "2:hang=5,sticky"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(read(&[]).unwrap_err().contains("USBTOKEN_SHIM_DRIVER"));
        assert!(read(&[("USBTOKEN_SHIM_CONFIG", "/no/such/file")]).unwrap_err().contains("/no/such/file"));
        let with = |name, value| read(&[("USBTOKEN_SHIM_DRIVER", "/a.so"), (name, value)]).unwrap_err();
        assert!(with("USBTOKEN_SHIM_DELAY_MS", "fast").contains("fast"));
        assert!(with("USBTOKEN_SHIM_DELAYS", "C_Sign").contains("C_Sign"));
        assert!(with("USBTOKEN_SHIM_PUBLIC", "all").contains("all"));
        assert!(with("USBTOKEN_SHIM_ON_TRACE_FAILURE", "stop").contains("stop"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shim.json");
        std::fs::write(&path, r#"{"driver": "/a.so", "fault": []}"#).unwrap();
        assert!(read(&[("USBTOKEN_SHIM_CONFIG", path.to_str().unwrap())]).unwrap_err().contains("`fault`"));
    }
}
