//! A row per span, for spreadsheets and data frames.
//!
//! ```text
//!   id,parent,lane,depth,name,target,file,line,begin_ns,end_ns,duration_ns,self_ns,enters,mark,fields
//!   14,13,main,9,spawn,spanwalk::server::threadpool,src/server/threadpool.rs,88,1893042,2011530,118488,40120,1,,"{""func"":…}"
//! ```
//!
//! As RFC 4180 has it, but for lines that end in a line feed alone. `mark` is `open` or `cut` where the end is not that of the
//! span; `self_ns` and `enters` are empty where they are not known; `fields` is a JSON object. A text that a spreadsheet would
//! take for a formula begins with an apostrophe.

use std::io::{self, Write};

use super::Excerpt;
use super::value::Object;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "id,parent,lane,depth,name,target,file,line,begin_ns,end_ns,duration_ns,self_ns,enters,mark,fields")?;
    let own = excerpt.own_times();
    for span in excerpt.spans() {
        let site = &span.callsite;
        let lane = excerpt.log().lane(span.lane).map_or("", |lane| &lane.name);
        let [own, enters] = if excerpt.log().tells_runs(span.lane) {
            let own = own.get(&span.id).copied().unwrap_or(0);
            [own.to_string(), excerpt.stretches(span.id).count().to_string()]
        } else {
            [String::new(), String::new()]
        };
        let parent = span.parent.map(|parent| parent.to_string()).unwrap_or_default();
        let line = site.line.map(|line| line.to_string()).unwrap_or_default();
        writeln!(
            out,
            "{},{parent},{},{},{},{},{},{line},{},{},{},{},{},{},{}",
            span.id,
            cell(lane),
            span.depth,
            cell(&site.name),
            cell(&site.target),
            cell(site.file.as_deref().unwrap_or_default()),
            span.begin.ns(),
            span.end.ns(),
            span.duration(),
            own,
            enters,
            span.mark().unwrap_or_default(),
            cell(&serde_json::to_string(&Object(&excerpt.fields(span.id)))?),
        )?;
    }
    Ok(())
}

/// A text as a cell.
fn cell(text: &str) -> String {
    let harmless = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{harmless}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{harmless}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_are_no_formulas() {
        let cells = ["spawn", "a,b", "say \"hi\"", "=1+1", "-2,5"].map(cell);
        assert_eq!(cells, ["spawn", "\"a,b\"", "\"say \"\"hi\"\"\"", "'=1+1", "\"'-2,5\""]);
    }
}
