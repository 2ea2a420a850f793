"""Dense recall dialogues on top of synth.py: many facts, many questions, little between them.

synth.py's own memory chats spend most of their tokens on filler; a small token budget learns recall faster where
every other turn asks for something told. Weight lies on what small models confuse: digit strings, and two similar
facts bound to two names. All randomness is synth.py's own generator: call `synth.reseed` first.
"""
from __future__ import annotations

import re

import synth

Checks = list[tuple[str, str]]
"""Pairs (reply, value asked for)."""


class Dialogue:
    """Builds one dialogue turn by turn."""

    def __init__(self, many: int) -> None:
        self.state = synth.style_state()
        self.lines: list[str] = []
        self.checks: Checks = []
        self.keys: list[tuple] = []  # facts of synth.g_key_fact, which live outside its State
        self.many = many

    @property
    def told(self) -> int:
        return len(self.state.facts) + len(self.keys)

    def say(self, user: str, assistant: str) -> None:
        self.lines += [user, assistant.strip()]

    def tell(self) -> None:
        roll = synth.R()
        if roll < 0.22:
            self.tell_one("code")
        elif roll < 0.44:
            self.tell_key()
        elif roll < 0.66:
            self.tell_pair()
        else:
            self.tell_one(None)

    def tell_one(self, name: str | None) -> None:
        fact = synth.new_fact(self.state, name)
        if fact is not None:
            self.say(synth.say_line(self.state, [synth.say_clause(fact)]), synth.ack_line(fact))

    def tell_key(self) -> None:
        """A pass key, a count in a coloured box, a word or a hiding place, said in passing."""
        fact = synth.g_key_fact()
        hidden = {f.d.get("o") for f in self.state.facts}
        # "the secret word" is also one of the State's facts: telling both would make two right answers.
        if fact[4] in ("secret word", "word") or fact[4] in hidden or any(fact[4] == k[4] for k in self.keys):
            return
        self.keys.append(fact)
        line = fact[0]
        if synth.chance(0.4):
            line = synth.prose(12) + " " + line + (" " + synth.prose(12) if synth.chance(0.5) else "")
        self.say(synth.ustyle(self.state, line), synth.X(synth.ACK))

    def tell_pair(self) -> None:
        """Two like facts: one attribute of two people, two pets, or two codes; in one line or in two turns."""
        state, roll = self.state, synth.R()
        facts = []
        if roll < 0.6:
            attribute = synth.pick(synth._ATK)
            for person in (synth.new_person(state), synth.new_person(state)):
                fact = synth.Fact(synth.SPECS["attr"], synth.g_attr(state, None, person, attribute))
                state.facts.append(fact)
                facts.append(fact)
        else:
            name = "pet" if roll < 0.75 else "code"
            facts = [f for f in (synth.new_fact(state, name), synth.new_fact(state, name)) if f]
        if len(facts) == 2 and synth.chance(0.6):
            first, second = (synth.say_clause(f) for f in facts)
            line = synth.fix("^" + first + synth.pick((", and ", ", but ", ", while ", " and ")) + second + ".")
            self.say(synth.ustyle(state, line), synth.X(synth.ACK))
        else:
            for fact in facts:
                self.say(synth.say_line(state, [synth.say_clause(fact)]), synth.ack_line(fact))

    def ask(self) -> None:
        at = int(synth.R() * self.told)
        if at < len(self.keys):
            _, question, answer, value, _ = self.keys[at]
        else:
            question, answer, value, _ = synth.ask_event(self.state, self.state.facts[at - len(self.keys)])
        self.checks.append((answer, value))
        self.say(synth.ustyle(self.state, question), answer)

    def ask_unknown(self) -> None:
        if self.state.facts:
            question, answer = synth.unknown_q(self.state)
            if "not told me" in answer:
                # Not a check: weighing "not told me" like an asked value taught a model to refuse what it had been told.
                self.say(synth.ustyle(self.state, question), answer)

    def update(self) -> None:
        fact = synth.pick(self.state.facts)
        change = synth.count_event(self.state, fact) if fact.spec.name == "count" else synth.update_event(self.state, fact)
        if change:
            self.say(*change)


def dense(words: int, filler: float = 0.06) -> tuple[str, dict]:
    """A dialogue of about `words` words; `filler` is the share of turns about nothing told.

    Returns the text and what synth.make_doc returns beside it: the checks and the spelling applied.
    """
    d = Dialogue(many=synth.ri(3, 12))
    if synth.chance(0.4):
        d.say(synth.X(synth.GREET_U).strip(), synth.X(synth.GREET_A))
    count = 0
    while count < words:
        before, roll = len(d.lines), synth.R()
        if roll < filler:
            d.lines += [line.strip() for line in synth.filler_st(d.state, 60, long_ok=False)]
        elif not d.told or (d.told < d.many and roll < filler + 0.45):
            d.tell()
        elif roll < 0.90 or not d.state.facts:
            d.ask()
        elif roll < 0.95:
            d.update()
        else:
            d.ask_unknown()
        count += synth.text_words(d.lines[before:])
    return finish(d.lines, d.checks)


def spread(words: int) -> tuple[str, dict]:
    """A few facts, then a stretch of other talk, then questions about them: as the recall set asks, at any distance."""
    d = Dialogue(many=4)
    if synth.chance(0.5):
        d.say(synth.X(synth.GREET_U).strip(), synth.X(synth.GREET_A))
    for _ in range(synth.ri(1, 4)):
        d.tell()
    while not d.told:
        d.tell()
    if synth.chance(0.25) and d.state.facts:
        d.lines += [line.strip() for line in synth.filler_st(d.state, 80)]
        d.update()
    count = synth.text_words(d.lines)
    return_at = synth.R() * words if synth.chance(0.3) else None  # the user leaves and comes back: another session, the same memory
    while count < words:
        if return_at is not None and count >= return_at:
            for line in (synth.BYE_U, synth.BYE_A, synth.GREET_U, synth.GREET_A):
                d.lines.append(synth.X(line).strip())
            return_at = None
        talk = [line.strip() for line in synth.filler_st(d.state, words - count + 30)]
        d.lines += talk
        count += synth.text_words(talk)
    for _ in range(synth.ri(2, 5)):
        d.ask_unknown() if synth.chance(0.12) else d.ask()
    return finish(d.lines, d.checks)


def finish(lines: list[str], checks: Checks) -> tuple[str, dict]:
    text, spelling = synth.dress(synth.fix(synth.dialog(lines)))
    return text.strip(), {"checks": [(a, v, "") for a, v in checks], "f": spelling}


def golds(meta: dict) -> Checks:
    """The checks of a generated document as they are spelled in its text."""
    spelling = meta["f"]
    return [(spelling(synth.fix(a.strip())), spelling(synth.fix(v))) for a, v, _ in meta.get("checks", ())]


class Scrambler:
    """Swaps the asked values of a document for words that could not be guessed.

    synth.py draws values from pools of a few dozen; a small model learns the pools and answers from them instead of
    looking back. With values from the whole lexicon, the only way to be right is to copy.
    """

    def __init__(self, lexicon: list[str]) -> None:
        held = {w.lower() for v in synth._HELDSETS for w in v.split()}
        words = sorted({w for w in lexicon if w not in held and 3 < len(w) < 12})
        self.by_start = {vowel: [w for w in words if (w[0] in "aeiou") == vowel] for vowel in (False, True)}

    def word(self, like: str) -> str:
        """A word with the same capital and the same article (a or an)."""
        roll = synth.R()
        new = synth.pick(self.by_start[like[0].lower() in "aeiou"])
        if roll < 0.3 and like[0].lower() not in "aeiou":
            new = synth.pick(synth.COINED).lower()
        return new.capitalize() if like[0].isupper() else new

    def __call__(self, text: str, checks: Checks) -> tuple[str, Checks]:
        """The document and its checks with most word values swapped everywhere; numbers are random as they are."""
        swaps: dict[str, str] = {}
        for _, value in checks:
            if value in swaps or any(c.isdigit() for c in value) or synth.chance(0.15):
                continue
            words = value.split()
            # Short words are mostly prepositions and articles ("in the garden shed"): they stay.
            new = " ".join(self.word(w) if len(w) > 3 or len(words) == 1 else w for w in words)
            if len(value) > 2 and new != value:
                swaps[value] = new
        if not swaps:
            return text, checks
        longest_first = sorted(swaps, key=len, reverse=True)
        pattern = re.compile(r"(?<![A-Za-z])(" + "|".join(re.escape(v) for v in longest_first) + r")(?![a-z])", re.I)
        known = {v.lower(): new for v, new in swaps.items()}

        def swap(match: re.Match) -> str:
            new = known[match.group(0).lower()]
            return new[0].upper() + new[1:] if match.group(0)[0].isupper() else new

        return pattern.sub(swap, text), [(pattern.sub(swap, reply), pattern.sub(swap, value)) for reply, value in checks]
