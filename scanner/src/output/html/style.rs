//! How the report looks.

/// The only style sheet; in every page, so that a page can be sent by itself.
pub const SHEET: &str = "\
:root{--ink:#1b2430;--soft:#5d6b7a;--line:#dde3ea;--paper:#fff;--tint:#f5f7fa;--link:#0b5cad;\
--accept:#16794c;--noop:#7a8794;--warn:#b25e00;--bad:#b3261e;--wait:#6b4fa0}\
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa7b4;--line:#333e4a;--paper:#14191f;\
--tint:#1c232b;--link:#7ab8f5;--accept:#4cc38a;--noop:#8b98a5;--warn:#e8a33d;--bad:#f2766d;--wait:#b59ae8}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1.5rem}\
header{padding-top:2rem}\
.trail{margin:0;color:var(--soft);font-size:.9rem}\
h1{margin:.1rem 0 1.4rem;font-size:1.9rem;letter-spacing:-.01em;overflow-wrap:anywhere}\
h2{margin:2.4rem 0 .6rem;font-size:1.2rem}\
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}\
code,pre,.record{font-family:ui-monospace,'SF Mono',Menlo,Consolas,monospace;font-size:.86em}\
.record{overflow-wrap:anywhere}\
pre{background:var(--tint);border:1px solid var(--line);border-radius:.5rem;padding:.8rem 1rem;overflow-x:auto}\
.gone{color:var(--bad)}.new{color:var(--accept)}\
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:1rem}\
.tile{border:1px solid var(--line);border-top:.3rem solid var(--noop);border-radius:.5rem;padding:.8rem 1rem;background:var(--tint)}\
.tile strong{display:block;font-size:1.8rem;line-height:1.2;font-variant-numeric:tabular-nums}\
.tile span{color:var(--soft)}\
.tile.accept{border-top-color:var(--accept)}.tile.abort{border-top-color:var(--warn)}.tile.plain{border-top-color:var(--link)}\
table{border-collapse:collapse;width:100%}\
table.narrow{width:auto}\
td code{white-space:nowrap}\
th,td{text-align:left;vertical-align:top;padding:.45rem .8rem .45rem 0;border-bottom:1px solid var(--line)}\
th{color:var(--soft);font-weight:500;font-size:.86rem;white-space:nowrap}\
table.narrow th{padding-right:1.6rem}\
.number{text-align:right;font-variant-numeric:tabular-nums}\
td.bar{width:9rem;padding-top:.85rem}\
div.bar{height:.6rem;border-radius:.3rem;background:var(--warn)}\
div.bar.accept{background:var(--accept)}div.bar.noop{background:var(--noop)}\
div.bar.delay,div.bar.out-of-band{background:var(--wait)}div.bar.abort{background:var(--bad)}\
.evidence{font-size:.9rem;overflow-wrap:anywhere}\
.aside{color:var(--soft);font-size:.9rem}\
.badge{display:inline-block;padding:0 .55rem;border-radius:1rem;font-size:.8rem;font-weight:600;color:var(--paper);background:var(--warn);vertical-align:middle}\
.badge.accept{background:var(--accept)}.badge.noop{background:var(--noop)}.badge.abort{background:var(--bad)}\
.badge.delay,.badge.out-of-band{background:var(--wait)}\
ol.rules{list-style:none;padding:0;columns:16rem;column-gap:2rem;font-size:.88rem}\
ol.rules li{break-inside:avoid;padding:.1rem 0}\
ol.rules .mark{display:inline-block;width:1.1em;text-align:center}\
.pass .mark{color:var(--accept)}.stop{font-weight:600}.stop .mark{color:var(--bad)}.unreached,.off{color:var(--soft)}\
details{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;margin:.6rem 0}\
summary{cursor:pointer;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9rem}\
footer{margin-top:3rem;padding-top:1rem;padding-bottom:2rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}\
";
