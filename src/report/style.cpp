// Style sheet and script of the pages. Colours: Okabe and Ito's palette, which people with the
// common colour-vision deficiencies can tell apart; shapes (dot, cross, diamond) say the same once
// more.
#include "report/page.h"

namespace atml::report {

const std::string_view kStyleSheet = R"css(
:root{color-scheme:light dark;--ink:#16191d;--muted:#5d6570;--paper:#fff;--panel:#f5f6f8;--rule:#dcdfe4;
--good:#00795a;--bad:#c24a00;--blue:#0072b2;--orange:#d55e00;--green:#009e73;--yellow:#e69f00;--pink:#cc79a7;
--sky:#56b4e9;--grey:#8a929c;--on-dark:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e9ebee;--muted:#9aa3ae;--paper:#14171b;--panel:#1d2126;--rule:#333a42;
--good:#3fc79b;--bad:#ff8a4c;--blue:#4aa8e0;--orange:#ff8a4c;--green:#2fbf95;--yellow:#f0b429;--pink:#d994bb;
--sky:#7cc6f0;--grey:#7d8690;--on-dark:#0e1114}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 64px}
header{border-bottom:2px solid var(--ink);padding-bottom:22px}
.over{color:var(--muted);font-size:13px;letter-spacing:.02em;margin:0 0 10px}
h1{font-size:clamp(26px,4vw,40px);line-height:1.15;letter-spacing:-.02em;margin:0 0 10px;font-weight:680;overflow-wrap:anywhere}
h2{font-size:21px;letter-spacing:-.01em;margin:0 0 2px;font-weight:650}
h3{font-size:14px;margin:0 0 4px;font-weight:620}
section{margin-top:44px}
.lead{color:var(--muted);margin:0 0 14px;max-width:76ch}
.sub{margin:0;max-width:100ch}
.verdict{display:inline-block;font-weight:650;padding:1px 10px;border-radius:3px;margin-right:8px;color:var(--on-dark)}
.verdict.good{background:var(--good)}.verdict.bad{background:var(--bad)}.verdict.open{background:var(--muted)}
.gauges{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:26px;margin-top:24px}
.gauge .value{font-size:25px;font-weight:640;letter-spacing:-.01em;font-variant-numeric:tabular-nums;line-height:1.2}
.gauge small,.small{color:var(--muted);font-size:13px}
.track{height:9px;background:var(--rule);margin:7px 0 5px;position:relative;overflow:hidden}
.track i{display:block;height:100%;background:var(--blue)}
.track.over-limit i{background:repeating-linear-gradient(45deg,var(--orange) 0 6px,transparent 6px 9px),var(--bad)}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:26px}
.grid.wide{grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr))}
.scroll{overflow:auto}.tall{max-height:560px;border:1px solid var(--rule)}
.tall thead th{position:sticky;top:0;background:var(--panel)}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}
.tall th:first-child,.tall td:first-child{padding-left:10px}
th{font-weight:620;color:var(--muted);border-bottom:1px solid var(--grey)}
th[aria-sort]{color:var(--ink)}.js th{cursor:pointer}
th.n,td.n{text-align:right}
tr.win td{background:var(--panel);font-weight:620}tfoot td{border-bottom:0;font-weight:620}
td.long,.long{white-space:normal;min-width:26ch;max-width:62ch;overflow-wrap:anywhere;color:var(--muted);font-size:12.5px}
.meter{display:inline-block;width:64px;height:8px;background:var(--rule);margin-left:8px;vertical-align:baseline}
.meter.none{visibility:hidden}.meter i{display:block;height:100%;background:var(--sky)}
.tag{white-space:nowrap}.tag::before{content:"";display:inline-block;width:9px;height:9px;margin-right:6px;border-radius:50%;background:var(--grey)}
.tag.fit::before{background:var(--blue)}.tag.no::before{background:var(--orange);border-radius:0}
.tag.early::before{background:transparent;border:1.5px solid var(--grey)}
dl{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:4px 20px;margin:0}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
pre,code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:var(--panel);padding:12px 14px;margin:0 0 14px;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
ul.plain{margin:0;padding-left:20px}
.warn{border-left:4px solid var(--yellow);padding:2px 0 2px 14px}
.cause{border-left:4px solid var(--bad);padding:2px 0 2px 14px;margin-top:20px}
.stack{display:flex;height:26px;gap:2px}
.part{display:block;min-width:2px}
.part0{background:var(--blue)}.part1{background:var(--yellow)}.part2{background:var(--green)}
.part3{background:var(--pink)}.part4{background:var(--sky)}.part5{background:var(--grey)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 24px;margin:10px 0 0;padding:0}
.legend i{display:inline-block;width:11px;height:11px;margin-right:7px}
.legend svg{display:inline-block;width:14px;height:14px;vertical-align:-2px;margin-right:6px}
.legend small{color:var(--muted)}
figure{margin:0}
svg{display:block;max-width:100%;height:auto;font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;overflow:visible}
.scroll>svg{max-width:none}
svg text{fill:var(--muted)}
svg .label{fill:var(--muted);font-size:11.5px}
svg .tick{font-size:10.5px}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--grey);stroke-width:1}
svg .limit{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 3}
svg .limit-label,svg .peak-label{fill:var(--bad);font-weight:600}
svg .beyond{fill:var(--bad);fill-opacity:.07}
svg .fits{fill:var(--blue);fill-opacity:.8;stroke:var(--paper);stroke-width:.7}
svg .open{fill:var(--paper);stroke:var(--grey);stroke-width:1.2}
svg .misfit{fill:none;stroke:var(--orange);stroke-width:1.4;stroke-opacity:.75}
svg .front{fill:none;stroke:var(--blue);stroke-width:1.3;stroke-opacity:.7}
svg .best{fill:none;stroke:var(--ink);stroke-width:2}
svg .winner{fill:var(--green);stroke:var(--ink);stroke-width:1.2}
svg .halo{fill:none;stroke:var(--green);stroke-width:1.6}
svg .live{fill:var(--sky)}svg .peak{fill:var(--bad)}
svg .tensor0{fill:var(--blue)}svg .tensor1{fill:var(--yellow)}svg .tensor2{fill:var(--green)}
svg .tensor3{fill:var(--pink)}svg .tensor4{fill:var(--sky)}svg .tensor5{fill:var(--grey)}
svg [class^=tensor]{stroke:var(--paper);stroke-width:1}
svg .in-box{fill:var(--on-dark);font-weight:600;pointer-events:none}svg .in-light{fill:#16191d;font-weight:600;pointer-events:none}
svg .cell{fill:none;stroke:var(--rule);stroke-width:1}
svg .hit{fill:var(--blue)}svg .miss{fill:var(--orange)}
svg .in-cell{fill:var(--ink);pointer-events:none}svg .on-dark{fill:var(--on-dark);font-weight:600;pointer-events:none}
svg .whisker{stroke:var(--ink);stroke-width:1.5}
footer{margin-top:56px;padding-top:14px;border-top:1px solid var(--rule);color:var(--muted);font-size:13px}
details summary{cursor:pointer;color:var(--muted);margin:10px 0}
@media(max-width:600px){main{padding:18px 14px 48px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media print{.tall{max-height:none}}
)css";

// Sorting by a click on a table's head. The page says everything without it.
const std::string_view kScript = R"js(
document.documentElement.classList.add('js');
for (const head of document.querySelectorAll('th')) head.addEventListener('click', () => {
  const row = head.parentNode, at = [...row.children].indexOf(head);
  const down = head.getAttribute('aria-sort') === 'ascending';
  for (const other of row.children) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const body = head.closest('table').tBodies[0];
  const key = r => { const c = r.children[at]; return c.dataset.v !== undefined ? Number(c.dataset.v) : c.textContent; };
  const rows = [...body.rows].filter(r => r.children[at].textContent !== '');
  const blank = [...body.rows].filter(r => r.children[at].textContent === '');
  rows.sort((a, b) => { const x = key(a), y = key(b); const d = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y)); return down ? -d : d; });
  body.append(...rows, ...blank);
});
)js";

}  // namespace atml::report
