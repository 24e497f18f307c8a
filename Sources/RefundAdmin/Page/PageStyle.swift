/// The style sheet of the pages, served as `/style.css`; the content security policy allows no other style.
let pageStyle = """
    :root { color-scheme: light dark; --ground: #fff; --panel: #f5f6f8; --ink: #1b1f24; --dim: #4f5864; --line: #cdd3da;
      --link: #0550ae; --good: #0f6b2f; --good-ground: #e3f5e8; --bad: #a40e26; --bad-ground: #fdebec; --bar: #2f6fbf; }
    @media (prefers-color-scheme: dark) { :root { --ground: #14171b; --panel: #1d2127; --ink: #e8ebef; --dim: #a9b3bf;
      --line: #3a424c; --link: #82b7ff; --good: #7ddb98; --good-ground: #12301c; --bad: #ff9ba5; --bad-ground: #3d161b;
      --bar: #6aa5ee; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
    header, main { max-width: 1200px; margin: 0 auto; padding: 12px 16px; }
    nav { display: flex; gap: 16px; align-items: baseline; }
    a { color: var(--link); }
    .home { font-weight: 700; font-size: 1.1em; text-decoration: none; color: var(--ink); }
    .skip { position: absolute; left: -999px; }
    .skip:focus { left: 8px; top: 8px; background: var(--ground); padding: 8px; }
    :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
    h1 { font-size: 1.4em; margin: 8px 0; overflow-wrap: anywhere; }
    h2 { font-size: 1.15em; margin: 32px 0 8px; border-bottom: 1px solid var(--line); }
    h3 { font-size: 1em; margin: 20px 0 4px; }
    p { margin: 8px 0; }
    .dim, caption, time { color: var(--dim); }
    .health { border-radius: 8px; padding: 12px 16px; font-size: 1.15em; font-weight: 600; margin: 0;
      overflow-wrap: anywhere; }
    .health.good { background: var(--good-ground); color: var(--good); border: 2px solid var(--good); }
    .health.bad { background: var(--bad-ground); color: var(--bad); border: 2px solid var(--bad); }
    .command { display: inline-block; background: var(--panel); border: 1px solid var(--line); border-radius: 4px;
      padding: 1px 6px; font: 0.9em ui-monospace, "Liberation Mono", monospace; user-select: all;
      overflow-wrap: anywhere; }
    table { border-collapse: collapse; width: 100%; margin: 8px 0 16px; }
    caption { text-align: left; padding-bottom: 4px; }
    th, td { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line);
      overflow-wrap: anywhere; }
    th { white-space: nowrap; font-weight: 600; }
    .state { font-weight: 600; }
    .settled { color: var(--good); }
    .failed, .abandoned, .alert { color: var(--bad); }
    svg { display: block; max-width: 100%; height: auto; margin: 8px 0; }
    svg text { fill: var(--ink); font: 13px system-ui, "Liberation Sans", sans-serif; }
    svg .axis { stroke: var(--line); } svg .bar { fill: var(--bar); } svg .mark { stroke: var(--bar); stroke-width: 3; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; }
    dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
    .timeline { list-style: none; margin: 0; padding: 0 0 0 16px; border-left: 3px solid var(--line); }
    .timeline li { padding: 4px 0 12px; overflow-wrap: anywhere; }
    .timeline ul { margin: 4px 0; padding-left: 20px; }
    form { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
    form label { flex-basis: 100%; color: var(--dim); }
    input, button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--dim);
      border-radius: 4px; padding: 8px 12px; min-width: 0; }
    input { flex: 1 1 160px; max-width: 480px; }
    @media (max-width: 700px) {
      dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
      thead { position: absolute; left: -9999px; }
      table, tbody, tr, td, caption { display: block; }
      tr { border: 1px solid var(--line); border-radius: 6px; padding: 4px 12px; margin-bottom: 8px; }
      td { border: 0; padding: 2px 0 2px 8em; position: relative; min-height: 1.6em; }
      td::before { content: attr(data-label); position: absolute; left: 0; width: 7.5em; color: var(--dim);
        font-size: 0.9em; overflow-wrap: anywhere; }
    }

    """
