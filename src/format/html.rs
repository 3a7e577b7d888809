//! One page that a browser opens without a network: the recording to step through, with lessons and source.
//!
//! ```text
//!   page.html ◄── page.css                     how it looks, on a screen, a telephone and paper
//!             ◄── model.js timeline.js view.js one script, the only one that the page lets run
//!             ◄── Excerpt, Companion as JSON   data of the page, never markup
//! ```
//!
//! What was recorded stands in the page as JSON, and reaches the screen as text alone; only the lessons' Markdown becomes
//! markup, here, and markup that they hold themselves becomes text. The page has a policy that forbids every request and
//! every script but its own.

mod data;
mod markdown;

use std::io::{self, Write};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::Excerpt;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
/// In the order of their imports.
const SCRIPTS: [&str; 3] =
    [include_str!("html/model.js"), include_str!("html/timeline.js"), include_str!("html/view.js")];

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let companion = excerpt.companion();
    let script = script();
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&script));
    let title = if companion.title.is_empty() { "a recording" } else { &companion.title };
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.write_all(before.as_bytes())?;
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        match name {
            "title" => out.write_all(markdown::escaped(title).as_bytes())?,
            "hash" => out.write_all(hash.as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(script.as_bytes())?,
            "data" => data::write(excerpt, &companion, out)?,
            _ => {}
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// The modules as one: what they import of each other stands before them.
fn script() -> String {
    let lines = SCRIPTS.iter().flat_map(|module| module.lines());
    lines.filter(|line| !line.starts_with("import ")).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Companion, Page, Step};
    use crate::trace::{Event, Field, Kind, LaneId, LaneKind, Log, Seq, SpanId, Thread, ThreadId, Time, Value};

    const HOSTILE: &str = "</script><!--<script>alert(1)</script><img src=x onerror=alert(1)>\u{2028}";

    fn log(text: &str) -> Log {
        let thread = std::sync::Arc::new(Thread { id: ThreadId(1), name: text.into() });
        let callsite = std::sync::Arc::new(crate::trace::Callsite {
            name: text.into(),
            target: text.into(),
            file: Some(text.into()),
            line: Some(1),
        });
        let fields = vec![Field { name: text.into(), value: Value::from(text) }];
        let kinds = [
            Kind::LaneOpen { name: text.into(), kind: LaneKind::Thread },
            Kind::Open { span: SpanId(1), parent: None, callsite: callsite.clone(), fields: fields.clone() },
            Kind::Enter { span: SpanId(1) },
            Kind::Note { span: Some(SpanId(1)), callsite, fields },
        ];
        let mut log = Log::new();
        for (at, kind) in kinds.into_iter().enumerate() {
            let at = at as u64;
            log.push(Event { seq: Seq(at), time: Time(at), thread: thread.clone(), lane: LaneId(1), kind });
        }
        log
    }

    fn page(log: &Log, companion: &Companion) -> String {
        let tell = |_: &Excerpt<'_>| companion.clone();
        let mut out = Vec::new();
        write(&Excerpt::whole(log).told_by(&tell), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_was_recorded_or_is_told_never_ends_the_data_and_is_never_markup() {
        let step = Step { id: HOSTILE.into(), name: HOSTILE.into(), target: HOSTILE.into(), page: Some(0) };
        let told = Page { title: HOSTILE.into(), prose: HOSTILE.into(), ..Page::default() };
        let companion =
            Companion { title: HOSTILE.into(), steps: vec![step], pages: vec![told], ..Companion::default() };
        let page = page(&log(HOSTILE), &companion);
        assert_eq!(page.matches("</script>").count(), 2, "the data's and the script's");
        assert_eq!(page.matches("<script").count(), 2);
        assert!(!page.contains("<img") && !page.contains("<!--<"), "{page}");
        let json = page.split_once("type=\"application/json\">").unwrap().1.split_once("</script>").unwrap().0;
        let data: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(data["lanes"][0][0], HOSTILE);
    }

    #[test]
    fn the_page_asks_for_nothing_from_anywhere() {
        let page = page(&log("spawn"), &Companion::default());
        assert!(page.contains("default-src 'none'"));
        for asks in ["src=", "<link", "url(", "@import", "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon"] {
            assert!(!page.contains(asks), "{asks}");
        }
    }

    #[test]
    fn the_policy_names_the_script_that_is_in_the_page() {
        let page = page(&log("spawn"), &Companion::default());
        let script = page.split_once("<script type=\"module\">").unwrap().1.split_once("</script>").unwrap().0;
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
        assert!(page.contains(&format!("'sha256-{hash}'")));
        assert!(!script.contains("\nimport "), "the modules are one");
    }
}
