from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracking", "0007_joints")]

    operations = [
        migrations.AddField(
            model_name="visit",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
