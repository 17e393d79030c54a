"""Special days: hours that replace those of their weekday."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column for them."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="store",
            name="special_days",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Date to spans and a name; these replace the hours of the weekday.",
            ),
        ),
    ]
