from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chain', '0005_operator_actions'),
    ]

    operations = [
        migrations.AddField(
            model_name='candidate',
            name='origin',
            field=models.CharField(db_default='', default='', max_length=80),
        ),
    ]
