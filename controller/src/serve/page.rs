//! The page: one document, one script, one sheet, all of them in this program.

/// A file of the page.
pub(super) struct File {
    /// Where it is.
    pub path: &'static str,
    /// What it is.
    pub kind: &'static str,
    /// What it holds.
    pub text: &'static str,
}

/// All of them.
pub(super) const FILES: [File; 3] = [
    File {
        path: "/",
        kind: "text/html; charset=utf-8",
        text: include_str!("page/page.html"),
    },
    File {
        path: "/page.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("page/page.js"),
    },
    File {
        path: "/page.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("page/page.css"),
    },
];

/// What the page may load, and from where: its own files, and what this daemon answers (CSP Level 3).
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
