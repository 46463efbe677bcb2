"""Questions over HTTP: the same as the page's."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import audit
from cases.api import check
from matching import reports
from matching.report_forms import ReportForm


class TableSerializer(serializers.Serializer[Any]):
    headings = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(
        child=serializers.ListField(), help_text="As the headings say: when, by what, how many."
    )
    is_cut = serializers.BooleanField(help_text=f"There are more than {reports.MOST_ROWS:,} rows.")


class ReportsView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("subject", enum=list(reports.SUBJECTS)),
            OpenApiParameter("step", enum=[one for one in reports.STEPS if one]),
            OpenApiParameter("by", enum=sorted({name for one in reports.SUBJECTS.values() for name in one.groups})),
            *(
                OpenApiParameter(name, description=str(field.label or name))
                for name, field in ReportForm.base_fields.items()
                if name not in ("subject", "step", "by", "measure")
            ),
        ],
        responses=TableSerializer,
        operation_id="reports",
    )
    def get(self, request: Request) -> Response:
        """How many, when, where, by whom: one question, answered with what exists for whoever asks."""
        user = audit.signed_in(request)
        form = ReportForm(request.query_params, user=user)
        check(form)
        audit.record_once(
            request, "read report", user, request.GET.urlencode()[:300], of=f"over HTTP {request.GET.urlencode()}"
        )
        return Response(TableSerializer(reports.answer(form.asked(), user)).data)
