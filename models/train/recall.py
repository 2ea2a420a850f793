"""Dense recall dialogues on top of synth.py: many facts, many questions, little between them.

synth.py's own memory chats spend most of their tokens on filler; a small token budget learns recall faster where
every other turn asks for something told. Weight lies on what small models confuse: digit strings, and two similar
facts bound to two names. All randomness is synth.py's own generator: call `synth.reseed` first.
"""
from __future__ import annotations

import re
from collections.abc import Sequence

import synth

Checks = list[tuple[str, str]]
"""Pairs (reply, value asked for)."""


KINDS_SPREAD = {"code": 0.10, "key": 0.14, "pair": 0.26}
"""Shares of what is told; any other fact of synth.py is the rest."""


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
        for name, share in KINDS_SPREAD.items():
            if roll < share:
                return {"code": lambda: self.tell_one("code"), "key": self.tell_key, "pair": self.tell_pair}[name]()
            roll -= share
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

    def ask(self, at: int | None = None) -> None:
        """Asks for fact number `at` (the keys first), or for any."""
        if at is None:
            at = int(synth.R() * self.told)
        if at < len(self.keys):
            _, question, answer, value, _ = self.keys[at]
        else:
            fact = self.state.facts[at - len(self.keys)]
            question, answer, value, kind = synth.ask_event(self.state, fact)
            # Mostly the plain clause. Among many ways to begin an answer each is less likely than the few ways to begin
            # "You have not told me", and greedy decoding then refuses although the answer as a whole is likelier.
            if kind.startswith(fact.spec.name) and "_who" not in kind and "_rev" not in kind and synth.chance(0.8):
                answer = synth.fix("^" + synth.ans_clause(fact) + ".")
        self.checks.append((answer, value))
        self.say(synth.ustyle(self.state, question), answer)

    def ask_unknown(self) -> None:
        if self.state.facts:
            question, answer = synth.unknown_q(self.state)
            if "not told me" in answer:
                # Not a check, so it weighs no more than other replies: weighed like a value it taught to refuse what was told.
                self.say(synth.ustyle(self.state, question), answer)

    def update(self) -> None:
        fact = synth.pick(self.state.facts)
        change = synth.count_event(self.state, fact) if fact.spec.name == "count" else synth.update_event(self.state, fact)
        if change:
            self.say(*change)


def drill() -> tuple[str, dict]:
    """A short dialogue that tells a few facts and asks for each of them, in another order, with questions about untold ones between.

    Hardly any other talk: every turn teaches to find and copy, or to say that there is nothing to find. The first phase lives on this.
    """
    d = Dialogue(many=6)
    tell_some(d, synth.ri(1, 4))
    if synth.chance(0.3):
        d.lines += [line.strip() for line in synth.filler_st(d.state, 60, long_ok=False)]
    if synth.chance(0.2) and d.state.facts:
        d.update()
    order = list(range(d.told)) * (2 if d.told < 4 else 1)
    synth.shuffle(order)
    for at in order:
        if synth.chance(0.14):
            d.ask_unknown()
        d.ask(at)
    if synth.chance(0.14):
        d.ask_unknown()
    return finish(d)


def tell_some(d: Dialogue, count: int) -> None:
    """`count` facts or pairs of facts; at least one."""
    for _ in range(count):
        d.tell()
    while not d.told:
        d.tell()


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
        elif roll < 0.83 or not d.state.facts:
            d.ask()
        elif roll < 0.88:
            d.update()
        else:
            d.ask_unknown()
        count += synth.text_words(d.lines[before:])
    return finish(d)


def spread(words: int) -> tuple[str, dict]:
    """A few facts among other talk of about `words` words, then questions about them: as the recall set asks, at any distance."""
    d = Dialogue(many=4)
    if synth.chance(0.5):
        d.say(synth.X(synth.GREET_U).strip(), synth.X(synth.GREET_A))
    tell_some(d, synth.ri(1, 3))
    later = synth.ri(0, 2)
    update_at = synth.R() * words if synth.chance(0.25) else None
    return_at = synth.R() * words if synth.chance(0.3) else None  # the user leaves and comes back: another session, the same memory
    count = synth.text_words(d.lines)
    while count < words:
        before = len(d.lines)
        if return_at is not None and count >= return_at:
            for line in (synth.BYE_U, synth.BYE_A, synth.GREET_U, synth.GREET_A):
                d.lines.append(synth.X(line).strip())
            return_at = None
        if update_at is not None and count >= update_at and d.state.facts:
            d.update()
            update_at = None
        if later and synth.chance(0.25):
            d.tell()
            later -= 1
        d.lines += [line.strip() for line in synth.filler_st(d.state, words - count + 30)]
        count += synth.text_words(d.lines[before:])
    for _ in range(synth.ri(3, 6)):
        d.ask_unknown() if synth.chance(0.14) else d.ask()
    return finish(d)


def finish(d: Dialogue) -> tuple[str, dict]:
    text, spelling = synth.dress(synth.fix(synth.dialog(d.lines)))
    names = [p["n"] for p in d.state.people] + [p["v"] for p in d.state.pets]
    return text.strip(), {"checks": [(a, v, "") for a, v in d.checks], "f": spelling, "names": names}


def golds(meta: dict) -> Checks:
    """The checks of a generated document as they are spelled in its text."""
    spelling = meta["f"]
    return [(spelling(synth.fix(a.strip())), spelling(synth.fix(v))) for a, v, _ in meta.get("checks", ())]


PREPOSITIONS = {"inside", "under", "behind", "below", "next", "near", "beside", "between", "above", "with", "over", "from", "your", "their", "into", "past"}
"""With words of up to three letters, what stays of a value such as "under the kitchen sink"."""


class Scrambler:
    """Swaps the asked values of a document, and the names in it, for words that could not be guessed.

    synth.py draws values from pools of a few dozen; a small model learns the pools and answers from them instead of
    looking back. With common words of one token it learns to copy tokens, and still spells an unseen name wrongly from the second
    piece on. So the words are rare ones, and strings of `pieces` that nobody has seen: the only way to be right is to copy every piece.
    """

    def __init__(self, lexicon: list[str], pieces: list[str]) -> None:
        self.held = {w.lower() for v in synth._HELDSETS for w in v.split()}
        words = sorted({w for w in lexicon if w not in self.held and 3 < len(w) < 12})
        self.by_start = {vowel: [w for w in words if (w[0] in "aeiou") == vowel] for vowel in (False, True)}
        self.pieces = sorted(p for p in pieces if p.isascii() and p.isalpha() and p.islower() and 2 <= len(p) <= 4)

    def coined(self) -> str:
        """Two to four pieces of the vocabulary."""
        while True:
            word = "".join(synth.pick(self.pieces) for _ in range(synth.ri(2, 4)))
            if 4 <= len(word) <= 11 and word not in self.held:
                return word

    def word(self, like: str) -> str:
        """A word with the same capital and the same article (a or an)."""
        vowel = like[0].lower() in "aeiou"
        new = self.coined() if synth.chance(0.4) else synth.pick(self.by_start[vowel])
        if (new[0] in "aeiou") != vowel:
            new = synth.pick(self.by_start[vowel])
        return new.capitalize() if like[0].isupper() else new

    def __call__(self, text: str, checks: Checks, names: Sequence[str] = ()) -> tuple[str, Checks]:
        """The document and its checks with most names and word values swapped everywhere; numbers are random as they are."""
        fresh = {name: self.word(name) for name in names if synth.chance(0.7)}
        if fresh:
            # With their capitals: "Will" is a name, "will" is not.
            named = re.compile(r"(?<![A-Za-z])(" + "|".join(map(re.escape, sorted(fresh, key=len, reverse=True))) + r")(?![a-z])")

            def rename(s: str) -> str:
                return named.sub(lambda m: fresh[m.group(0)], s)

            text, checks = rename(text), [(rename(reply), rename(value)) for reply, value in checks]
        swaps: dict[str, str] = {}
        for _, value in checks:
            if value in swaps or value in fresh.values() or any(c.isdigit() for c in value) or synth.chance(0.15):
                continue
            words = value.split()
            new = " ".join(w if len(words) > 1 and (len(w) < 4 or w in PREPOSITIONS) else self.word(w) for w in words)
            if len(value) > 2 and new != value:
                swaps[value] = new
        if not swaps:
            return text, checks
        longest_first = sorted(swaps, key=len, reverse=True)
        pattern = re.compile(r"(?<![A-Za-z])(" + "|".join(re.escape(v) for v in longest_first) + r")(?![a-z])", re.IGNORECASE)
        known = {v.lower(): new for v, new in swaps.items()}

        def swap(match: re.Match) -> str:
            new = known[match.group(0).lower()]
            return new[0].upper() + new[1:] if match.group(0)[0].isupper() else new

        return pattern.sub(swap, text), [(pattern.sub(swap, reply), pattern.sub(swap, value)) for reply, value in checks]
