"""Analytics, whose `granularity` Umbraco.AI's client sends with each question."""

from ..usage import api


class UsageSummary(api.UsageSummaryView):
    """The numbers of a period."""

    query_parameters = api.UsageTimeSeriesView.query_parameters


class UsageByProvider(api.UsageByProviderView):
    """Requests by provider."""

    query_parameters = api.UsageTimeSeriesView.query_parameters


class UsageByModel(api.UsageByModelView):
    """Requests by model."""

    query_parameters = api.UsageTimeSeriesView.query_parameters


class UsageByProfile(api.UsageByProfileView):
    """Requests by profile."""

    query_parameters = api.UsageTimeSeriesView.query_parameters


class UsageByUser(api.UsageByUserView):
    """Requests by user."""

    query_parameters = api.UsageTimeSeriesView.query_parameters
