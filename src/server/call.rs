//! A call that may wait: a future with its span.
//!
//! `#[instrument]` on an `async fn` makes one of these, too, and where a call is rare that is what this server uses. It enters
//! the span once more when what is left of the future is dropped, though nothing is left of one that has come to its end; and
//! it keeps two copies of the future, one for when nobody watches. Packets and requests go through too many calls for that.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tracing::Span;

pin_project! {
    /// A future with its span, which is entered whenever the future runs, and at no other time.
    pub(super) struct Call<'a, F> {
        span: &'a Span,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Call<'_, F> {
        /// What has not come to its end is dropped inside its span.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _entered = this.span.enter();
                this.future.set(None);
            }
        }
    }
}

/// Runs a future inside a span.
pub(super) fn call<F: Future>(span: &Span, future: F) -> Call<'_, F> {
    Call { span, future: Some(future) }
}

impl<F: Future> Future for Call<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _entered = this.span.enter();
        let future = this.future.as_mut().as_pin_mut().expect("a future that has come to its end is not polled");
        let output = ready!(future.poll(cx));
        this.future.set(None);
        Poll::Ready(output)
    }
}
