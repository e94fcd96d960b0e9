//! The picture as one page: markup, style, script and data in a single file that asks the network for nothing.

use super::Timeline;

const MARKUP: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPTS: [&str; 5] = [
    include_str!("axis.js"),
    include_str!("layout.js"),
    include_str!("drawing.js"),
    include_str!("panels.js"),
    include_str!("page.js"),
];

impl Timeline {
    /// The page. It needs nothing but a browser.
    ///
    /// # Errors
    /// When the picture cannot be put into words for the page's script; none that can is known.
    pub fn page(&self) -> serde_json::Result<String> {
        let data = embedded(&serde_json::to_string(self)?);
        let title = escaped(&format!("{} seed {}: {}", self.head.scenario, self.seed, self.verdict));
        let mut page = String::with_capacity(data.len() + MARKUP.len() + STYLE.len());
        // What is put in is not looked through again, whatever stands in it.
        for (number, piece) in MARKUP.split("@@").enumerate() {
            match (number % 2, piece) {
                (1, "title") => page.push_str(&title),
                (1, "style") => page.push_str(STYLE),
                (1, "script") => SCRIPTS.iter().for_each(|script| page.push_str(script)),
                (1, "data") => page.push_str(&data),
                _ => page.push_str(piece),
            }
        }
        Ok(page)
    }
}

/// JSON as it may stand inside a script element: nothing in it can end the element or begin a comment.
pub(super) fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Text as it may stand between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
