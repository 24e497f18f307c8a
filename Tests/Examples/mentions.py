"""What the text mentions exists: commands and options, keys of the configuration, programs, tests."""

import json
import re
import subprocess

from support import manual, problems, programs, readme, repository, run


def described_commands():
    """Command to its long options; a subcommand's name follows its command's."""
    commands = {}

    def add(command, path):
        name = " ".join([*path, command["commandName"]])
        commands[name] = {
            n["name"] for a in command.get("arguments", []) for n in a.get("names", []) if n["kind"] == "long"
        }
        for further in command.get("subcommands", []):
            add(further, [*path, command["commandName"]])
            if further["commandName"] == command.get("defaultSubcommand"):
                commands[name] |= commands[f"{name} {further['commandName']}"]

    add(json.loads(run(programs / "refundd", "--experimental-dump-help"))["command"], [])
    return commands


def described_keys():
    example = (repository / "refundd.conf.example").read_text()
    sections = re.findall(r"^\[([a-z]+)\]\n(.*?)(?=^\[|\Z)", example, re.M | re.S)
    return {f"[{s}] {key}" for s, text in sections for key in re.findall(r"^#?([a-z_]+) = ", text, re.M)}


commands = described_commands()
keys = described_keys()


def mentioned():
    """What the text names in passing: each span of code outside an example."""
    prose = re.sub(r"^```.*?^```", "", readme, flags=re.M | re.S)
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", prose)]


def command_of(span):
    """The command that a span of code runs, with its subcommand; None if it runs none."""
    found = re.match(r"(refundd [a-z]+)( [a-z]+)?", span)
    return found and (found[0] if found[0] in commands.keys() else found[1])


def check_mentions():
    rules = (repository / "deploy/prometheus/refundd.rules.yml").read_text()
    for span in mentioned():
        name = command_of(span)
        if name and name not in commands.keys() | {"refundd help"}:
            problems.append(f"README.md: there is no command {span}")
        for option in re.findall(r" --([a-z-]+)", span) if name in commands else []:
            if option not in commands[name]:
                problems.append(f"README.md: {name} has no option --{option}")
        path = re.fullmatch(r"(deploy|Sources|Tests)/[\w./-]+", span)
        if path and not (repository / span).exists():
            problems.append(f"README.md: there is no {span}")
        metric = re.match(r"refundd_[a-z_]+$|refundd_[a-z_]+(?={)", span)
        if metric and metric[0] not in rules:
            problems.append(f"README.md: no alert uses the metric {metric[0]}")
        key = re.match(r"\[[a-z]+\] [a-z_]+", span)
        if key and key[0] not in keys:
            problems.append(f"README.md: there is no key {key[0]}")


def check_links():
    headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", readme, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", readme):
        if target.startswith("#"):
            found = target[1:] in headings
        else:
            found = target.startswith("https://") or (repository / target).exists()
        if not found:
            problems.append(f"README.md: a link leads nowhere: {target}")


def run_mentions(shop):
    """Runs each command that the text shows whole. It may have nothing to do here, but its usage has to be right.

    A migration needs a server, and MigrateTests has one.
    """
    key = re.search(r'public_key_files = \["(.*)"\]', (shop.sim / "refundd.conf").read_text())[1]
    for span in sorted(set(mentioned())):
        name = command_of(span)
        if name in {None, span} or re.search(r"refundd run|refundd migrate|--watch|--follow", span):
            continue
        command = span.replace("COMMAND", "status").replace("FOLDER", str(shop.folder / "folder"))
        command = command.replace("FILE", str(shop.sim / key))
        done = subprocess.run(
            ["bash", "-c", command], cwd=shop.folder, env=shop.environment, capture_output=True, text=True, timeout=60
        )
        # Done, nothing to do, no such refund, gateway unavailable, another daemon.
        if done.returncode not in (0, 1, 66, 69, 75):
            problems.append(f"README.md: {span}: exit status {done.returncode}\n{done.stderr}")


def check_names(text):
    """The programs and tests that commands name, where the commands themselves cannot run."""
    tests = "\n".join(str(p) for p in (repository / "Tests").rglob("*Tests*"))
    for line in text.splitlines():
        words = re.sub(r" #.*", "", line).replace("$PWD/", "").split()
        for word in words:
            if "/" in word and "=" not in word and not word.startswith((".build", "$")):
                if not (repository / word).is_file():
                    problems.append(f"README.md: there is no {word}")
        if "--filter" in words and words[words.index("--filter") + 1] not in tests:
            problems.append(f"README.md: there are no tests {words[-1]}")


def check_package_commands(texts):
    """The operator's commands are those of refundd(8), and deploy/package-trial runs each of them."""
    page = manual("refundd.8")
    trial = (repository / "deploy/package-trial").read_text()
    # An example that the README has, too, is run from there.
    elsewhere = "".join(re.findall(r"^```sh receivers\n(.*?)^```", readme, re.M | re.S))
    known, section, count = set(), "", 0
    for found in re.finditer(r"^\.S[hs] ([^\n]*)$|^\.Bd -literal\n(.*?)^\.Ed", page, re.M | re.S):
        if found[1]:
            section, count = found[1], 0
            continue
        count += 1
        known.update(found[2].splitlines())
        if found[2] not in elsewhere and not re.search(rf"^ *(?:follow|configure) \"?{re.escape(section)}\"? {count}$", trial, re.M):
            problems.append(f"deploy/package-trial does not run example {count} of refundd(8), {section}")
    for line in "".join(texts).splitlines():
        if line not in known:
            problems.append(f"README.md: refundd(8) lacks the command {line}")
