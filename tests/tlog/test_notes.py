"""A note is believed only if a known key has signed it, and then as Go would believe it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed, Unproven
from modgate.tlog.ed25519 import Ed25519Signer, Ed25519Verifier, generate_key
from modgate.tlog.keys import parse_signer_key, parse_verifier_key
from modgate.tlog.note import Note, Signature, open_note, parse_note, sign_note

QUOTE = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_SAYS = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
PUBLIC = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
LOCAL = "localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6"
LOCAL_SECRET = "PRIVATE+KEY+localhost.localdev/sumdb+00000c67+AXu6+oaVaOYuQOFrf1V59JK1owcFlJcHwwXHDfDGxSPk"


def signer(name: str, number: int = 1) -> Ed25519Signer:
    return Ed25519Signer(generate_key(name, bytes([number]) * 32))


def verifier(of: Ed25519Signer) -> Ed25519Verifier:
    return Ed25519Verifier(of.verifier_key)


ANNA, BERT, CARL = signer("anna", 1), signer("bert", 2), signer("carl", 3)


def test_a_note_is_signed_as_go_signs_it() -> None:
    peter = Ed25519Signer(parse_signer_key(PETER))
    note = sign_note(QUOTE, [peter])
    assert note.decode() == f"{QUOTE}\n\u2014 PeterNeumann {PETER_SAYS}\n"
    opened = open_note(note, [verifier(peter)])
    assert opened.text == QUOTE
    assert [signature.name for signature in opened.verified] == ["PeterNeumann"]


@pytest.mark.parametrize("key", [PUBLIC, LOCAL])
def test_a_verifier_key_reads_and_writes_alike(key: str) -> None:
    assert str(parse_verifier_key(key)) == key


def test_a_signer_key_reads_and_writes_alike_and_makes_its_verifier_key() -> None:
    key = parse_signer_key(LOCAL_SECRET)
    assert str(key) == LOCAL_SECRET
    assert str(Ed25519Signer(key).verifier_key) == LOCAL
    assert "Xu6" not in repr(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sum.golang.org",
        PUBLIC.replace("033de0ae", "033de0af"),
        PUBLIC.replace("sum.", "sun."),
        PUBLIC.replace("033de0ae", "33de0ae"),
        PUBLIC[:-1],
        PUBLIC.replace("+Ac4", "+Bc4"),
        " " + PUBLIC,
        "a b+033de0ae+AAAA",
        "\ud800+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_verifier_key(text)


@pytest.mark.parametrize("text", ["", LOCAL, LOCAL_SECRET.replace("+AX", "+BX"), LOCAL_SECRET.replace("0c67", "0c68")])
def test_what_is_no_signer_key_is_refused_and_never_told(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        Ed25519Signer(parse_signer_key(text))
    assert "Xu6" not in str(caught.value)


def test_one_known_signature_is_enough_and_unknown_ones_go_with_the_note() -> None:
    note = sign_note("text\n", [ANNA, BERT])
    opened = open_note(note, [verifier(ANNA)])
    assert [signature.name for signature in opened.verified] == ["anna"]
    assert [signature.name for signature in opened.others] == ["bert"]


def test_two_keys_may_sign_for_a_while() -> None:
    note = sign_note("text\n", [ANNA, BERT])
    for known in ([ANNA], [BERT], [BERT, ANNA]):
        assert len(open_note(note, [verifier(one) for one in known]).verified) == len(known)


def test_a_note_that_no_known_key_has_signed_is_not_believed() -> None:
    note = sign_note("text\n", [ANNA])
    for known in ([], [verifier(BERT)], [verifier(signer("anna", 9))]):
        with pytest.raises(Unproven):
            open_note(note, known)


def test_a_bad_signature_of_a_known_key_spoils_a_note_that_another_has_signed() -> None:
    other = parse_note(sign_note("other\n", [ANNA])).signatures
    note = sign_note("text\n", [BERT], other)
    assert open_note(note, [verifier(BERT)]).text == "text\n"
    with pytest.raises(Unproven, match="anna"):
        open_note(note, [verifier(BERT), verifier(ANNA)])


def test_of_several_signatures_by_one_key_the_first_counts() -> None:
    good = parse_note(sign_note("text\n", [ANNA])).signatures
    bad = parse_note(sign_note("other\n", [ANNA])).signatures
    begin = "text\n\n"
    opened = open_note((begin + good[0].line + bad[0].line).encode(), [verifier(ANNA)])
    assert opened.verified == good
    with pytest.raises(Unproven):
        open_note((begin + bad[0].line + good[0].line).encode(), [verifier(ANNA)])
    assert len(open_note((begin + good[0].line + bad[0].line * 2).encode(), [verifier(ANNA)]).others) == 0


def test_identical_signatures_of_an_unknown_key_are_kept_once() -> None:
    good, unknown = (parse_note(sign_note("text\n", [one])).signatures[0] for one in (ANNA, CARL))
    opened = open_note(f"text\n\n{unknown.line}{unknown.line}{good.line}".encode(), [verifier(ANNA)])
    assert opened.others == (unknown,)


def test_two_known_keys_with_one_id_are_an_error() -> None:
    with pytest.raises(Unproven, match="two of the known keys"):
        open_note(sign_note("text\n", [ANNA]), [verifier(ANNA), verifier(ANNA)])


def test_signing_again_replaces_the_signers_own_signature_only() -> None:
    first = open_note(sign_note("text\n", [ANNA, BERT]), [verifier(ANNA)])
    again = parse_note(sign_note("text\n", [ANNA, CARL], (*first.verified, *first.others)))
    assert [signature.name for signature in again.signatures] == ["bert", "anna", "carl"]


@pytest.mark.parametrize("text", ["", "no newline", "bell\x07\n", "tab\t\n", "\ud800\n"])
def test_what_cannot_stand_in_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(Malformed):
        sign_note(text, [ANNA])


SIGNATURE = f"\u2014 anna {base64.b64encode(bytes(68)).decode()}\n"


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        f"text\n{SIGNATURE}".encode(),
        f"text\n\n{SIGNATURE}"[:-1].encode(),
        f"text\n\n{SIGNATURE}\n".encode(),
        f"text\n\n{SIGNATURE}text\n".encode(),
        f"text\n\n{SIGNATURE}".replace("\u2014", "-").encode(),
        f"text\n\n{SIGNATURE}".replace("anna ", " ").encode(),
        f"text\n\n{SIGNATURE}".replace("anna", "an+na").encode(),
        f"text\n\n{SIGNATURE}".replace("anna", "an\u00a0na").encode(),
        f"text\n\n{SIGNATURE}".replace("=\n", "\n").encode(),
        f"te\rxt\n\n{SIGNATURE}".encode(),
        b"te\xffxt\n\n" + SIGNATURE.encode(),
        "text\n\n\u2014 anna AAAAAA==\n".encode(),
        f"text\n\n{SIGNATURE * 101}".encode(),
        b"x" * 1_000_000 + b"\n\n" + SIGNATURE.encode(),
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(Malformed):
        open_note(note, [verifier(ANNA)])


@given(
    st.binary(max_size=200) | st.text(max_size=60).map(lambda text: f"{text}\n\n{SIGNATURE}".encode(errors="ignore"))
)
def test_garbage_is_malformed_or_unproven_and_nothing_else(data: bytes) -> None:
    with pytest.raises((Malformed, Unproven)):
        open_note(data, [verifier(ANNA)])


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.lists(st.sampled_from([ANNA, BERT, CARL]), min_size=1)
)
def test_what_is_signed_is_read_back(text: str, signers: list[Ed25519Signer]) -> None:
    unique = list(dict.fromkeys(signers))
    note = parse_note(sign_note(f"{text}\n", unique))
    assert note == Note(f"{text}\n", tuple(Signature(s.name, s.key_id, s.sign(f"{text}\n".encode())) for s in unique))
