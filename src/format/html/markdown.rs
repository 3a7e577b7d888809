//! Markdown as markup that can do no harm: its HTML is text, its links lead to the web or nowhere.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A text as markup.
pub(super) fn markup(text: &str) -> String {
    let mut links: Vec<bool> = Vec::new();
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            links.push(is_of_the_web(dest_url));
            is_of_the_web(dest_url).then_some(event)
        }
        Event::End(TagEnd::Link) => links.pop().unwrap_or(false).then_some(event),
        // A page that asks for nothing has no pictures of others: what they say they show is left.
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        // The page has headings of its own above these.
        Event::Start(Tag::Heading { id, classes, attrs, .. }) => {
            Some(Event::Start(Tag::Heading { level: pulldown_cmark::HeadingLevel::H4, id, classes, attrs }))
        }
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Heading(pulldown_cmark::HeadingLevel::H4))),
        event => Some(event),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// Links between the files of a walkthrough lead nowhere in a page of its own.
fn is_of_the_web(url: &CowStr<'_>) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme))
}

/// A text that stands in markup.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(markup(text).trim_end(), expected);
    }

    #[test]
    fn html_in_markdown_is_text_and_only_links_to_the_web_are_links() {
        check("a *b* `c<d`", "<p>a <em>b</em> <code>c&lt;d</code></p>");
        check("<b onclick=x>y</b>", "<p>&lt;b onclick=x&gt;y&lt;/b&gt;</p>");
        check("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;");
        check("[a](javascript:alert(1)) [b](../c.rs)", "<p>a b</p>");
        check("[a](https://x.org/\"b)", "<p><a href=\"https://x.org/%22b\">a</a></p>");
        check("![a](https://x.org/b.png)", "<p>a</p>");
        check("# a", "<h4>a</h4>");
    }
}
