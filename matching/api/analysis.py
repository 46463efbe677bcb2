"""Questions in SQL over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import audit
from cases.api import check, sent
from cases.visibility import sees_all
from matching import analysis, reports
from matching.report_forms import SqlForm
from matching.views.analysis import SEES_ALL


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=10_000, help_text="One SELECT.")


class AnswerSerializer(serializers.Serializer[Any]):
    headings = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField())
    is_cut = serializers.BooleanField(help_text=f"There are more than {reports.MOST_ROWS:,} rows.")


class SqlView(APIView):
    @extend_schema(request=QuestionSerializer, responses=AnswerSerializer, operation_id="reports_sql")
    def post(self, request: Request) -> Response:
        """One SELECT of the documented views, for somebody who sees all teams."""
        user = audit.signed_in(request)
        if not sees_all(user):
            raise PermissionDenied(SEES_ALL)
        form = SqlForm(sent(request))
        check(form)
        audit.record(request, "asked in SQL", user, form.cleaned_data["question"])
        try:
            answer = analysis.ask(form.cleaned_data["question"])
        except analysis.QuestionRefused as refusal:
            raise serializers.ValidationError({"question": [str(refusal)]}) from refusal
        return Response(AnswerSerializer(answer).data)
