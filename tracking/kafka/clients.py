"""Clients of the brokers, made when they are needed: the package that has them is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracking.kafka.plan import Plan

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

NOT_INSTALLED = (
    "Kafka is set up, but its package is not installed: pip install -r requirements-kafka.txt"
)


class NoClientError(Exception):
    """No client can be made; the message says why, without the password."""


def producer_make(plan: Plan) -> Producer:
    """Return a producer that keeps order and gives nothing up: whoever is away is waited for.

    Raises
    ------
    NoClientError
        The package is missing, or it refuses these settings.
    """
    kafka = _package()
    settings = plan.client() | {"enable.idempotence": True, "message.timeout.ms": 0}
    return _made(kafka, kafka.Producer, settings)  # type: ignore[no-any-return]


def consumer_make(plan: Plan) -> Consumer:
    """Return a consumer of the topics that are read; nothing is committed by itself.

    Raises
    ------
    NoClientError
        The package is missing, or it refuses these settings.
    """
    kafka = _package()
    settings = plan.client() | {
        "group.id": plan.group,
        "enable.auto.commit": False,
        # So long another waits for one that was killed.
        "session.timeout.ms": 10_000,
        # A topic that we have never read is read whole: each key counts once.
        "auto.offset.reset": "earliest",
        # Topics that come later are found within this time.
        "topic.metadata.refresh.interval.ms": 10_000,
    }
    consumer = _made(kafka, kafka.Consumer, settings)
    consumer.subscribe(list(plan.inward))
    return consumer  # type: ignore[no-any-return]


def _package() -> Any:
    try:
        import confluent_kafka
    except ImportError as error:
        raise NoClientError(NOT_INSTALLED) from error
    return confluent_kafka


def _made(kafka: Any, client: Any, settings: dict[str, object]) -> Any:
    try:
        return client(settings)
    except (kafka.KafkaException, ValueError, TypeError) as error:
        told = error.args[0] if error.args else error
        reason = told.str() if isinstance(told, kafka.KafkaError) else type(error).__name__
        raise NoClientError(f"The settings of Kafka are refused: {reason}") from None
