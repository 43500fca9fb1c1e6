"""The figures as a table."""


def number(value, form="{:.2f}"):
    return "never" if value is None else form.format(value)


def table(figures):
    """Markdown."""
    nodes = figures["nodes"]
    others = figures["others-percent"].values()
    others = f"others took {min(others)} to {max(others)} % of the machine meanwhile"
    lines = [f"{nodes} agents; {others}; whatever was seen may be older by the last column", ""]
    lines += ["| what, in seconds | median | last | aim | asked every |", "|---|---|---|---|---|"]
    rows = [
        ("joined: from the wish to being seen by the one who invited", "join", ""),
        ("all see all, after the last one's wish", "all-see-all", ""),
        ("a service is on all, of five times", "service-seen", "1"),
        ("a service is gone from all, of five times", "service-gone", "1"),
        ("200 services of one are on all", "many", ""),
        ("200 services of one are gone from all", "many-gone", ""),
        (f"{50 * nodes} services, 50 of each, are on all", "everywhere", ""),
        ("who was killed is noticed", "dead-noticed", "5"),
        ("who was killed is back, and sees and is seen", "back", ""),
        ("each half notices all of the other", "split-noticed", ""),
        ("both halves are one again: all see all", "healed", ""),
        ("and all know what either half said meanwhile", "healed-services", ""),
    ]
    for text, name, aim in rows:
        it = figures[name]
        last = number(it["last"])
        if it.get("telling") is not None:
            last += f" (telling the node: {number(it['telling'])})"
            text += f"; each sends {it['kib-sent-each']:.0f} KiB and computes {it['cpu-s-each']:.2f} s"
        if name == "dead-noticed":
            text += f" (first: {number(it['first'])})"
        lines.append(f"| {text} | {number(it['median'])} | {last} | {aim} | {number(it['resolution'])} |")
    quiet = f"a node while nothing is new, for {figures['quiet-s']} s"
    lines += ["", f"| {quiet} | packets/s sent | B/s sent | CPU, % | memory, MiB: median, most, ever |"]
    lines += ["|---|---|---|---|---|"]
    for text, name in (("without services", "quiet"), (f"with {50 * nodes}", "quiet-with-records")):
        it = figures[name]
        packets = f"{it['packets-per-s']:.2f} (most {it['packets-per-s-most']:.2f})"
        octets = f"{it['bytes-per-s']:.0f} (most {it['bytes-per-s-most']:.0f})"
        memory = ", ".join(f"{it[f'memory-mib{which}']:.1f}" for which in ("", "-most", "-ever"))
        lines.append(f"| {text} | {packets} | {octets} | {it['cpu-percent']:.2f} | {memory} |")
    if figures["complaints"]:
        lines += ["", "Complaints of the agents:", ""]
        lines += [f"- {count}: {text}" for text, count in figures["complaints"].items()]
    return "\n".join(lines)
