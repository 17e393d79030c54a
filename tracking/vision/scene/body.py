"""The articulated body: joints of a walking, standing or reaching person, clothed in rounded parts.

A part is the convex hull of a few balls. Body axes: right, up, forward; metres; the origin is the
foot point on the floor.
"""

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from .people import Look
from .textures import Colour, shade

Joint: TypeAlias = tuple[float, float, float]
Ball: TypeAlias = tuple[float, float, float, float]

STANCE = 0.6  # share of the gait cycle a foot is on the floor (Perry, Gait Analysis, 1992)
THIGH, SHIN, UPPER_ARM, FOREARM = 0.445, 0.43, 0.285, 0.255  # of a person of 1.75 m
STANDARD_M = 1.75


@dataclass(frozen=True, slots=True)
class Pose:
    """What a body does at one moment.

    Attributes
    ----------
    phase : float
        Gait cycles walked so far; the right heel strikes at whole numbers.
    step_m : float
        Distance a foot travels past the hip while on the floor; 0 when standing.
    reach : float
        0 arms hang, 1 a hand is at the goods.
    reach_m : float
        Height of those goods.
    head_turn : float
        Radians to the right of the heading.
    sway : float
        Metres the hips are shifted to the right.
    """

    phase: float = 0.0
    step_m: float = 0.0
    reach: float = 0.0
    reach_m: float = 1.1
    head_turn: float = 0.0
    sway: float = 0.0


@dataclass(slots=True)
class Part:
    """A convex hull of balls in one colour; ``bias`` moves it towards the eye in the order."""

    balls: list[Ball]
    colour: Colour
    bias: float = 0.0
    facing: float = 0.0  # 1: only seen from the front, -1: only from behind
    core: bool = True  # head, trunk and legs, as boxes around people are drawn; not arms and bags


@dataclass(slots=True)
class _Frame:
    """The joints of one pose, in units of a 1.75 m person."""

    hips: list[Joint] = field(default_factory=list)
    knees: list[Joint] = field(default_factory=list)
    ankles: list[Joint] = field(default_factory=list)
    toes: list[Joint] = field(default_factory=list)
    shoulders: list[Joint] = field(default_factory=list)
    elbows: list[Joint] = field(default_factory=list)
    hands: list[Joint] = field(default_factory=list)
    lean: float = 0.0
    hip_up: float = 0.93


def foot_cycle(cycle: float) -> tuple[float, float, float]:
    """Return where a foot is in its gait cycle (0 to 1, heel strike at 0).

    Returns
    -------
    along : float
        Position past the hip, +.5 in front to -.5 behind; linear while on the floor, so that the
        foot does not slide.
    lift : float
        0 on the floor, 1 at the top of the swing.
    pitch : float
        Radians; positive lifts the toes, negative the heel.
    """
    if cycle < STANCE:
        heel_off = max(0.0, (cycle - 0.4) / 0.2)
        strike = max(0.0, 1 - cycle / 0.1)
        return 0.5 - cycle / STANCE, 0.0, 0.3 * strike - 0.75 * heel_off
    swing = (cycle - STANCE) / (1 - STANCE)
    eased = swing * swing * (3 - 2 * swing)
    return eased - 0.5, math.sin(math.pi * swing), -0.75 + 1.05 * eased


def _knee(hip: Joint, ankle: Joint) -> tuple[Joint, Joint]:
    """Return the knee between hip and ankle, bent forwards, and the ankle within reach."""
    right, up, ahead = (a - h for a, h in zip(ankle, hip, strict=True))
    length = math.sqrt(right * right + up * up + ahead * ahead)
    longest = (THIGH + SHIN) * 0.998
    if length > longest:
        k = longest / length
        right, up, ahead, length = right * k, up * k, ahead * k, longest
    along = (THIGH**2 - SHIN**2 + length**2) / (2 * length)
    bend = math.sqrt(max(0.0, THIGH**2 - along**2))
    flat = math.hypot(up, ahead) or 1.0
    k = along / length
    # Perpendicular to the leg in the plane of walking, pointing forwards.
    knee = (
        hip[0] + right * k,
        hip[1] + up * k + bend * ahead / flat,
        hip[2] + ahead * k - bend * up / flat,
    )
    return knee, (hip[0] + right, hip[1] + up, hip[2] + ahead)


def _legs(frame: _Frame, look: Look, pose: Pose, scale: float) -> None:
    step = pose.step_m / scale
    moving = min(1.0, step / 0.25)
    twice = math.cos(4 * math.pi * pose.phase)
    frame.hip_up = 0.952 - moving * (0.026 + 0.014 * twice)
    half = 0.088 * look.build * look.hips
    for side in (1, -1):
        cycle = (pose.phase + (0.0 if side > 0 else 0.5)) % 1.0
        along, lift, pitch = foot_cycle(cycle)
        pitch *= moving
        raised = max(0.0, -pitch) * 0.13 + lift * 0.07 * moving
        ankle = (side * (half + 0.012 * (1 - moving)), 0.085 + raised, along * step - 0.03)
        hip = (
            side * half + pose.sway,
            frame.hip_up,
            0.02 * side * math.cos(2 * math.pi * pose.phase) * moving,
        )
        knee, ankle = _knee(hip, ankle)
        frame.hips.append(hip)
        frame.knees.append(knee)
        frame.ankles.append(ankle)
        reach = 0.17
        frame.toes.append(
            (
                ankle[0] + side * 0.03,
                max(0.028, ankle[1] - 0.057 + math.sin(pitch) * reach),
                ankle[2] + reach * math.cos(pitch),
            )
        )


def _arm(
    shoulder: Joint, side: int, forward: float, bend: float, spread: float
) -> tuple[Joint, Joint]:
    """Return elbow and hand for an upper arm swung forward and a forearm bent on, in radians."""
    out = side * math.sin(spread)
    elbow = (
        shoulder[0] + out * UPPER_ARM,
        shoulder[1] - math.cos(forward) * math.cos(spread) * UPPER_ARM,
        shoulder[2] + math.sin(forward) * UPPER_ARM,
    )
    angle = forward + bend
    hand = (
        elbow[0] + out * 0.3 * FOREARM - side * 0.12 * FOREARM * min(1.0, bend),
        elbow[1] - math.cos(angle) * FOREARM,
        elbow[2] + math.sin(angle) * FOREARM,
    )
    return elbow, hand


def _arms(frame: _Frame, look: Look, pose: Pose, scale: float) -> None:
    moving = min(1.0, pose.step_m / 0.3)
    frame.lean = 0.03 * moving + 0.16 * pose.reach * max(0.0, (1.45 - pose.reach_m / scale))
    up, ahead = 0.5, 0.5 * frame.lean
    twist = 0.035 * math.cos(2 * math.pi * pose.phase) * moving
    half = 0.186 * look.build
    for side in (1, -1):
        shoulder = (side * half + pose.sway * 0.5, frame.hip_up + up, ahead - side * twist)
        swing = -0.5 * look.swing * moving * math.cos(2 * math.pi * pose.phase) * side
        bend = 0.2 + 0.35 * max(0.0, swing)
        if look.bag == "paper" and side > 0:
            swing, bend = swing * 0.25, 0.05
        if look.bag == "tote" and side > 0:
            swing, bend = swing * 0.4 - 0.15, 0.9
        share = pose.reach * (1.0 if side > 0 else 0.45)
        level = pose.reach_m / scale - shoulder[1]  # hand above or below the shoulder
        swing += share * (1.0 + 0.9 * level - swing)
        bend += share * (0.75 + 0.5 * level - bend)
        frame.shoulders.append(shoulder)
        elbow, hand = _arm(shoulder, side, swing, bend, 0.12 + 0.05 * look.build)
        frame.elbows.append(elbow)
        frame.hands.append(hand)


def _ball(joint: Joint, radius: float) -> Ball:
    return (*joint, radius)


def _leg_parts(frame: _Frame, look: Look) -> list[Part]:
    parts = []
    wide = look.build
    bare = look.bottom == "skirt"
    for i in range(2):
        tone = 1.0 if i == 0 else 0.9
        cloth = shade(look.bottom_colour, tone)
        lower = shade((54, 50, 52) if bare else look.bottom_colour, tone)
        slim = 0.8 if bare else 1.0
        thigh = [_ball(frame.hips[i], 0.094 * wide), _ball(frame.knees[i], 0.064 * wide * slim)]
        shin = [_ball(frame.knees[i], 0.063 * wide * slim), _ball(frame.ankles[i], 0.05 * slim)]
        ankle, toe = frame.ankles[i], frame.toes[i]
        heel = (ankle[0], max(0.035, ankle[1] - 0.05), ankle[2] - 0.05)
        shoe = [
            _ball(heel, 0.038),
            _ball(toe, 0.03),
            _ball((ankle[0], ankle[1] - 0.02, ankle[2]), 0.04),
        ]
        parts += [
            Part(thigh, cloth),
            Part(shin, lower),
            Part(shoe, shade(look.shoe_colour, tone), 0.02),
        ]
    return parts


def _skirt(frame: _Frame, colour: Colour, hem: float, flare: float, look: Look) -> Part:
    """Return cloth hanging from the hips to a hem at ``hem`` of the way down to the ankle."""
    balls = [_ball(hip, 0.11 * look.build) for hip in frame.hips]
    for i in range(2):
        upper, lower = frame.knees[i], frame.ankles[i]
        k = hem - 0.5
        at = (
            (upper[0] + (lower[0] - upper[0]) * k) * 1.05,
            upper[1] + (lower[1] - upper[1]) * k,
            (upper[2] + (lower[2] - upper[2]) * k) * 0.8,
        )
        balls.append(_ball(at, flare * look.build))
    return Part(balls, colour, 0.03)


def _torso_balls(frame: _Frame, look: Look, loose: float) -> list[Ball]:
    wide, up, lean = look.build, frame.hip_up, frame.lean
    balls = []
    for side, shoulder, hip in zip((1, -1), frame.shoulders, frame.hips, strict=True):
        balls.append((shoulder[0] * 0.84, shoulder[1] + 0.005, shoulder[2], 0.075 * loose))
        balls.append((side * 0.1 * wide, up + 0.36, 0.36 * lean + 0.015, 0.115 * wide * loose))
        balls.append(
            (hip[0] * 0.9, up + 0.02, hip[2], 0.112 * wide * loose * (0.6 + 0.4 * look.hips))
        )
    return balls


def _torso_parts(frame: _Frame, look: Look) -> list[Part]:
    up, lean, wide = frame.hip_up, frame.lean, look.build
    loose = {"coat": 1.1, "jacket": 1.08, "hoodie": 1.08}.get(look.top, 1.0)
    parts = [Part(_torso_balls(frame, look, loose), look.top_colour, 0.05)]
    if look.top == "coat":
        parts.append(_skirt(frame, look.top_colour, 0.56, 0.1, look))
    if look.top == "apron":
        apron = _skirt(frame, look.inner_colour, 0.45, 0.085, look)
        chest = [(s * 0.085, up + 0.36, 0.36 * lean + 0.075, 0.06) for s in (1, -1)]
        belly = [(s * 0.12 * wide, up + 0.02, 0.07, 0.07) for s in (1, -1)]
        parts += [
            Part(apron.balls, apron.colour, 0.06, 1.0),
            Part(chest + belly, look.inner_colour, 0.15, 1.0),
        ]
    if look.top in ("coat", "jacket"):
        open_ = 0.036 if look.top == "jacket" else 0.022
        strip = [
            (0.0, up + 0.47, 0.47 * lean + 0.055, open_ + 0.012),
            (0.0, up + 0.3, 0.3 * lean + 0.115 * wide, open_),
            (0.0, up - 0.02, 0.115 * wide, open_ * 0.9),
        ]
        parts.append(Part(strip, look.inner_colour, 0.13, 1.0))
    if look.top == "hoodie":
        hood = [(s * 0.06, up + 0.53, 0.5 * lean - 0.07, 0.075) for s in (1, -1)]
        parts.append(Part(hood, shade(look.top_colour, 0.88), 0.06))
    if look.top == "shirt":
        belt = [(hip[0], up + 0.005, hip[2], 0.1 * wide) for hip in frame.hips]
        parts.append(Part(belt, look.bottom_colour, 0.045))
    return parts


def _arm_parts(frame: _Frame, look: Look) -> list[Part]:
    parts = []
    sleeve = 1.16 if look.top in ("coat", "jacket", "hoodie") else 1.0
    rolled = look.top in ("shirt", "apron")
    for i in range(2):
        tone = 0.96 if i == 0 else 0.86
        cloth = shade(look.top_colour, tone)
        upper = [
            _ball(frame.shoulders[i], 0.062 * sleeve * look.build),
            _ball(frame.elbows[i], 0.048 * sleeve),
        ]
        lower = [_ball(frame.elbows[i], 0.046 * sleeve), _ball(frame.hands[i], 0.034 * sleeve)]
        hand = frame.hands[i]
        palm = [_ball(hand, 0.04), _ball((hand[0], hand[1] - 0.05, hand[2] + 0.01), 0.034)]
        parts.append(Part(upper, cloth, 0.01))
        parts.append(Part(lower, look.skin if rolled else cloth, 0.02))
        parts.append(Part(palm, look.skin, 0.015))
    return parts


def _turned(frame: _Frame, turn: float, right: float, up: float, ahead: float) -> Joint:
    """Return a point of the head, given in the head's own axes, in body axes."""
    c, s = math.cos(turn), math.sin(turn)
    neck = frame.hip_up + 0.5
    return (right * c + ahead * s, neck + up, 0.5 * frame.lean + 0.015 + ahead * c - right * s)


def _head_parts(frame: _Frame, look: Look, turn: float) -> list[Part]:
    def at(right: float, up: float, ahead: float, radius: float) -> Ball:
        return (*_turned(frame, turn, right, up, ahead), radius)

    neck = [at(0, 0.0, -0.01, 0.058), at(0, 0.1, 0.0, 0.052)]
    face = [at(0, 0.215, 0.022, 0.086), at(0, 0.155, 0.035, 0.066)]
    parts = [Part(neck, shade(look.skin, 0.86), 0.06), Part(face, look.skin, 0.08)]
    if look.beard:
        parts.append(
            Part(
                [at(s * 0.02, 0.128, 0.05, 0.052) for s in (1, -1)],
                shade(look.hair, 1.05),
                0.1,
                0.6,
            )
        )
    skull = [at(0, 0.235, -0.022, 0.099), at(0, 0.19, -0.04, 0.082)]
    if look.hair_style != "bald":
        parts.append(Part(skull, look.hair, 0.075))
    if look.hair_style == "long":
        fall = [at(0, 0.2, -0.05, 0.096), *(at(s * 0.06, 0.0, -0.055, 0.058) for s in (1, -1))]
        parts.append(Part(fall, shade(look.hair, 0.94), 0.05))
    if look.hair_style == "bun":
        parts.append(Part([at(0, 0.27, -0.11, 0.05)], look.hair, 0.05))
    if look.hat:
        crown = [at(0, 0.262, -0.012, 0.1), at(0, 0.3, -0.012, 0.075)]
        parts.append(Part(crown, look.hat_colour, 0.095))
    if look.hat == "cap":
        brim = [at(s * 0.045, 0.262, 0.11, 0.022) for s in (1, -1)]
        parts.append(Part(brim, shade(look.hat_colour, 0.8), 0.1))
    for side in (1, -1):
        eye = [at(side * 0.033, 0.206, 0.1, 0.008)]
        parts.append(Part(eye, shade(look.skin, 0.34), 0.12, 0.5))
    parts.append(
        Part(
            [at(-0.018, 0.148, 0.098, 0.006), at(0.018, 0.148, 0.098, 0.006)],
            shade(look.skin, 0.72),
            0.12,
            0.6,
        )
    )
    parts.append(
        Part(
            [at(0, 0.2, 0.105, 0.009), at(0, 0.178, 0.115, 0.012)],
            shade(look.skin, 1.06),
            0.12,
            0.3,
        )
    )
    return parts


def _bag_parts(frame: _Frame, look: Look) -> list[Part]:
    up, lean, colour = frame.hip_up, frame.lean, look.bag_colour
    if look.bag == "backpack":
        pack = [(s * 0.1, up + y, 0.42 * lean - 0.17, 0.08) for s in (1, -1) for y in (0.12, 0.42)]
        straps = [
            Part(
                [(s * 0.12, up + 0.52, 0.02, 0.02), (s * 0.12, up + 0.2, 0.12, 0.018)],
                shade(colour, 0.8),
                0.14,
                0.5,
            )
            for s in (1, -1)
        ]
        return [Part(pack, colour, -0.02), *straps]
    if look.bag == "tote":
        hip = frame.hips[0]
        bag = [
            (hip[0] + 0.15, up + y, hip[2] + z, 0.03) for y in (-0.16, 0.08) for z in (-0.14, 0.12)
        ]
        shoulder = frame.shoulders[0]
        strap = [
            (shoulder[0] * 0.8, shoulder[1] + 0.06, shoulder[2], 0.012),
            (hip[0] + 0.15, up + 0.1, 0.0, 0.012),
        ]
        return [Part(bag, colour, 0.03), Part(strap, shade(colour, 0.8), 0.06)]
    if look.bag == "paper":
        hand = frame.hands[0]
        bag = [
            (hand[0], hand[1] - y, hand[2] + z, 0.018) for y in (0.16, 0.42) for z in (-0.13, 0.13)
        ]
        grip = [
            (hand[0], hand[1] - 0.05, hand[2], 0.012),
            (hand[0], hand[1] - 0.17, hand[2], 0.012),
        ]
        return [Part(bag, (128, 168, 198), 0.03), Part(grip, (90, 120, 150), 0.02)]
    return []


def body_parts(look: Look, pose: Pose) -> list[Part]:
    """Return the rounded parts of a person in a pose, in body axes and true metres."""
    scale = look.height_m / STANDARD_M
    frame = _Frame()
    _legs(frame, look, pose, scale)
    _arms(frame, look, pose, scale)
    parts = _leg_parts(frame, look)
    if look.bottom == "skirt" and look.top != "coat":
        parts.append(_skirt(frame, look.bottom_colour, 0.5, 0.1, look))
    parts += _torso_parts(frame, look) + _head_parts(frame, look, pose.head_turn)
    outer = _arm_parts(frame, look) + _bag_parts(frame, look)
    for part in outer:
        part.core = False
    parts += outer
    for part in parts:
        part.balls = [
            (r * scale, u * scale, f * scale, ball * scale) for r, u, f, ball in part.balls
        ]
    return parts
