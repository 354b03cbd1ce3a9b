//! Files that a driver's process keeps open for its caller.

/// Files that a driver's host keeps open too, until this goes; nothing for a driver in this process, which has them open itself.
pub struct KeptFiles<'a> {
    #[cfg(target_os = "linux")]
    host: Option<(&'a crate::client::Client, u64)>,
    #[cfg(not(target_os = "linux"))]
    _none: std::marker::PhantomData<&'a ()>,
}

impl<'a> KeptFiles<'a> {
    #[cfg(target_os = "linux")]
    pub(crate) fn here() -> Self {
        KeptFiles { host: None }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn in_host(client: &'a crate::client::Client, name: u64) -> Self {
        KeptFiles { host: Some((client, name)) }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn here() -> Self {
        KeptFiles { _none: std::marker::PhantomData::<&'a ()> }
    }
}

impl std::fmt::Debug for KeptFiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptFiles")
    }
}

#[cfg(target_os = "linux")]
impl Drop for KeptFiles<'_> {
    fn drop(&mut self) {
        if let Some((client, name)) = self.host {
            client.let_go(name);
        }
    }
}
