//! Who is told while a call into a driver takes its time, and can have it ended.

use std::cell::Cell;

/// Is asked and told, on the thread of the call, while a function of a driver in a host has not returned.
pub trait Watch {
    /// Whether the caller wants to stop. The driver gets a little longer to return by itself, and is ended then.
    fn is_cancelled(&self) -> bool;

    /// A function that writes to the token takes longer than usual. It is not ended by itself: half of what it does could be
    /// left on the token.
    fn still_working(&self, function: &'static str);
}

thread_local! {
    static WATCH: Cell<Option<*const (dyn Watch + 'static)>> = const { Cell::new(None) };
}

/// Does some work whose calls into drivers this watches, on this thread.
pub fn watched<R>(watch: &dyn Watch, work: impl FnOnce() -> R) -> R {
    /// Puts back what was there before, also when the work panics.
    struct Before(Option<*const (dyn Watch + 'static)>);
    impl Drop for Before {
        fn drop(&mut self) {
            WATCH.set(self.0);
        }
    }
    let watch: *const (dyn Watch + '_) = watch;
    // SAFETY: the two types differ in a lifetime alone. The pointer is in its place only while this function runs, and so while
    // what it points to is borrowed; nobody takes it out of this thread.
    let watch: *const (dyn Watch + 'static) = unsafe { std::mem::transmute(watch) };
    let _before = Before(WATCH.replace(Some(watch)));
    work()
}

/// Asks or tells whoever watches this thread's calls.
#[cfg(target_os = "linux")]
pub(crate) fn with<R>(work: impl FnOnce(&dyn Watch) -> R) -> Option<R> {
    // SAFETY: what is in its place is alive until `watched` returns, which is below us on this thread's stack.
    WATCH.get().map(|watch| work(unsafe { &*watch }))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Told(RefCell<Vec<&'static str>>);
    impl Watch for Told {
        fn is_cancelled(&self) -> bool {
            !self.0.borrow().is_empty()
        }
        fn still_working(&self, function: &'static str) {
            self.0.borrow_mut().push(function);
        }
    }

    #[test]
    fn the_innermost_watches_and_nobody_afterwards() {
        let (outer, inner) = (Told(RefCell::default()), Told(RefCell::default()));
        watched(&outer, || {
            watched(&inner, || with(|watch| watch.still_working("C_Sign")));
            assert_eq!(with(|watch| watch.is_cancelled()), Some(false));
            let _ = std::panic::catch_unwind(|| {
                let third = Told(RefCell::default());
                watched(&third, || panic!("in the middle"))
            });
            with(|watch| watch.still_working("C_Login"));
        });
        assert_eq!((outer.0.take(), inner.0.take()), (vec!["C_Login"], vec!["C_Sign"]));
        assert!(with(|watch| watch.is_cancelled()).is_none());
    }
}
