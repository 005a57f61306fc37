"""Our messages of project files are those of the service, by the vendor's own descriptors."""

from __future__ import annotations

from typing import Any

import pytest
from yandex.cloud.datasphere.v1 import project_data_service_pb2 as theirs

from jupyter_datasphere.datasphere import project_files_pb2 as ours
from jupyter_datasphere.datasphere.file_calls import SERVICE

MESSAGES = sorted(theirs.DESCRIPTOR.message_types_by_name)


def fields(message: Any) -> list[tuple[Any, ...]]:
    return [
        (
            field.number,
            field.name,
            field.type,
            field.is_repeated,
            field.containing_oneof and field.containing_oneof.name,
            field.message_type and field.message_type.name,
        )
        for field in message.DESCRIPTOR.fields
    ]


@pytest.mark.parametrize("name", MESSAGES)
def test_the_fields_are_the_same(name: str) -> None:
    assert fields(getattr(ours, name)) == fields(getattr(theirs, name))


def test_the_methods_are_the_same() -> None:
    [service] = theirs.DESCRIPTOR.services_by_name.values()
    assert service.full_name == SERVICE
    methods = [
        (m.name, m.client_streaming, m.server_streaming, m.input_type.name, m.output_type.name)
        for m in service.methods
    ]
    assert sorted(methods) == [
        ("DownloadFile", False, True, "DownloadFileRequest", "DownloadFileResponse"),
        ("UploadFile", True, False, "UploadFileRequest", "UploadFileResponse"),
    ]


def test_details_of_errors_are_those_of_google() -> None:
    """They come with the vendor's package."""
    from google.rpc import error_details_pb2, status_pb2

    assert fields(ours.Status) == fields(status_pb2.Status)
    quota = error_details_pb2.QuotaFailure
    violation = error_details_pb2.QuotaFailure.Violation
    assert fields(ours.QuotaFailure) == fields(quota)
    assert fields(ours.QuotaFailure.Violation) == fields(violation)[:2]
    assert fields(ours.RetryInfo) == fields(error_details_pb2.RetryInfo)
    assert fields(ours.RequestInfo) == fields(error_details_pb2.RequestInfo)[:1]
