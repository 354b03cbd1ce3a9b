//! Files that a driver's process keeps open for its caller.

/// Files that a driver's host keeps open too, until this goes; nothing for a driver in this process, which has them open itself.
pub struct KeptFiles<'a>(Option<(&'a dyn LetGo, u64)>);

/// Who keeps files by a name.
pub(crate) trait LetGo: Sync {
    /// Has the host close them.
    fn let_go(&self, name: u64);
}

impl<'a> KeptFiles<'a> {
    pub(crate) fn here() -> Self {
        KeptFiles(None)
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there are no hosts yet"))]
    pub(crate) fn by(keeper: &'a dyn LetGo, name: u64) -> Self {
        KeptFiles(Some((keeper, name)))
    }
}

impl std::fmt::Debug for KeptFiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptFiles")
    }
}

impl Drop for KeptFiles<'_> {
    fn drop(&mut self) {
        if let Some((keeper, name)) = self.0 {
            keeper.let_go(name);
        }
    }
}
