//! Which task of tokio's is running here.

/// The number of the task, where there is one.
#[inline]
pub(super) fn current() -> Option<u64> {
    #[cfg(feature = "tokio")]
    {
        tokio::task::try_id().map(number)
    }
    #[cfg(not(feature = "tokio"))]
    None
}

/// The number that a task's id is shown as. It is asked of its hash, which costs nothing, where that is the number itself.
#[cfg(feature = "tokio")]
fn number(id: tokio::task::Id) -> u64 {
    use std::hash::{Hash as _, Hasher};

    struct Only(Option<u64>);
    impl Hasher for Only {
        fn write(&mut self, _bytes: &[u8]) {}

        fn write_u64(&mut self, number: u64) {
            self.0 = Some(number);
        }

        fn finish(&self) -> u64 {
            0
        }
    }
    let mut only = Only(None);
    id.hash(&mut only);
    only.0.or_else(|| id.to_string().parse().ok()).unwrap_or(0)
}

#[cfg(all(test, feature = "app"))]
mod tests {
    #[test]
    fn a_task_has_the_number_it_is_shown_with() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let shown = runtime.block_on(async {
            let task = tokio::spawn(async { (tokio::task::id().to_string(), super::current()) });
            task.await.unwrap()
        });
        assert_eq!(Some(shown.0), shown.1.map(|number| number.to_string()));
        assert_eq!(super::current(), None);
    }
}
