/** The one style sheet: system fonts, both colour schemes, from the narrowest phone up; no image and no font is fetched. */
export const pageStyle = `
:root{color-scheme:light dark;--ground:#f4f5f2;--card:#fff;--ink:#16201c;--soft:#54605a;--line:#cfd6d1;--accent:#0a5c47;--on:#fff;--bad:#a1260d;--badbg:#fdece7;--warn:#6b4700;--warnbg:#fff0c9}
@media(prefers-color-scheme:dark){:root{--ground:#0e1311;--card:#161d1a;--ink:#eaf0ec;--soft:#a5b2ab;--line:#34403a;--accent:#6fd8b6;--on:#04211a;--bad:#ffb4a1;--badbg:#3a1a12;--warn:#ffdf94;--warnbg:#3a2c08}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1.0625rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
.test{margin:0;padding:.5rem 1rem;background:var(--warnbg);color:var(--warn);text-align:center;font-size:.95rem}
main{max-width:28rem;margin:0 auto;padding:1.25rem 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem}
header p{margin:0;color:var(--soft)}
.shop{font-weight:600;color:var(--ink);font-size:1.125rem}
.amount{margin:.25rem 0 .5rem;font-size:2rem;line-height:1.15;font-weight:700;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.what{font-size:.95rem}
header .what+.what{margin-top:.125rem}
section,form{margin-top:1.25rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h2{margin:0 0 .5rem;font-size:1.25rem;line-height:1.25}
section p{margin:.5rem 0}
fieldset{margin:0 0 1.25rem;padding:0;border:0;min-width:0}
legend,.label{display:block;padding:0;margin-bottom:.375rem;font-weight:600}
.choice{display:flex;align-items:center;gap:.75rem;min-height:3rem;padding:.5rem .875rem;border:1px solid var(--line);border-radius:.5rem;cursor:pointer}
.choice+.choice{margin-top:.5rem}
.choice:has(:checked){border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.choice:focus-within{outline:3px solid var(--accent);outline-offset:2px}
.choice input{width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent);outline:none}
.choice span{flex:1}
.choice small{color:var(--soft);font-size:.9rem}
.one{margin:0 0 1.25rem}
input[type=tel]{width:100%;min-height:3.25rem;padding:.5rem .875rem;font:inherit;font-size:1.25rem;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:.5rem;letter-spacing:.02em}
input[aria-invalid]{border:2px solid var(--bad)}
.hint{margin:.375rem 0 0;color:var(--soft);font-size:.95rem}
.error{margin:.375rem 0 0;color:var(--bad);font-weight:600;font-size:.95rem}
.notice{margin:1.25rem 0 0;padding:.75rem 1rem;background:var(--badbg);color:var(--bad);border-radius:.5rem}
.notice strong{display:block}
.notice+form{padding-top:0;border-top:0}
button,.button{display:block;width:100%;min-height:3.25rem;margin-top:1.25rem;padding:.75rem 1rem;font:inherit;font-weight:700;text-align:center;text-decoration:none;color:var(--on);background:var(--accent);border:0;border-radius:.5rem;cursor:pointer}
button:disabled{opacity:.7;cursor:default}
a{color:var(--accent)}
a:focus-visible,button:focus-visible,input[type=tel]:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.secret{margin:1rem 0 0;color:var(--soft);font-size:.95rem}
.mark{display:block;width:3rem;height:3rem;margin:0 0 .75rem}
.good{color:var(--accent)}
.bad{color:var(--bad)}
.spin{border:4px solid var(--line);border-top-color:var(--accent);border-radius:50%}
@media(prefers-reduced-motion:no-preference){.spin{animation:spin 1.1s linear infinite}}
@keyframes spin{to{transform:rotate(1turn)}}
.phone{white-space:nowrap;font-weight:600}
.away{margin:1.25rem 0 0;text-align:center;font-size:.95rem}
nav{margin-top:.75rem;text-align:center;font-size:.9rem}
nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;justify-content:center;gap:0 .875rem}
nav a,nav b,.away a{display:inline-block;padding:.5rem .25rem}
nav b{font-weight:600}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(min-width:40rem){main{padding-top:3rem}.card{padding:2rem}}
`
